//! Where the profile has an object written attribute by attribute, one read of the mailbox counts for each
//! attribute once, and for none twice.

use super::*;

const PIECEMEAL: &str = "
scenario: One attribute a modify
world:
  switches: {modify_granularity: attribute}
  population: [user: {name: u1, cloud_managed: true}]
story: [{wait: 0s}]
";

/// How many of two exports after one read are charged: of different attributes, or of the same.
fn charged(text: &str, same: bool) -> usize {
    let estate = estate_by(text);
    let look = read(mailbox(&estate), Activity::Writeback, Some(true));
    let one = wrote(object(&estate), Activity::Writeback, IN_AD, (&["a"], &["b"]), 2);
    let attribute = if same { IN_AD } else { DISPLAY_NAME };
    let other = wrote(object(&estate), Activity::Writeback, attribute, (&["a"], &["c"]), 3);
    charges(&mut Authority::new(&estate), &estate, &[look, one, other]).len()
}

#[test]
fn one_read_counts_for_every_attribute_once() {
    assert_eq!(charged(PIECEMEAL, false), 0);
    assert_eq!(charged(PIECEMEAL, true), 1);
    assert_eq!(charged(WORLD, false), 1, "where an object is one modify");
}
