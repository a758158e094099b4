//! What can never be so, or never be otherwise, is no expectation: numbers of a job that is not there, what
//! a domain controller of another domain has of somebody, an address without its type in a list of
//! addresses.

use sim::exchange::{RecipientType, property};

use super::super::diagnostic::Diagnostic;
use super::super::expectation::{AttributePath, Comparison, GROUP_PROPERTIES, Side};
use super::super::model::Selector;
use super::super::nearest::{choice, nearest};
use super::super::span::Spanned;
use super::super::world::{Dc, Forest, Population, World};
use super::Reader;

/// What of an expectation is about the writeback job.
const OF_THE_JOB: [&str; 3] = ["job", "quarantine", "lag"];
/// What groups are as recipients.
const OF_GROUPS: [&str; 3] =
    ["MailUniversalDistributionGroup", "MailUniversalSecurityGroup", "GroupMailbox"];
/// Attributes whose values are addresses with their types.
const ADDRESS_LISTS: [&str; 2] = ["proxyAddresses", "EmailAddresses"];

impl Reader<'_> {
    /// `job`, `quarantine` and `lag` are of a job.
    pub(super) fn check_has_job(&mut self, key: &Spanned<String>, world: &World) {
        if !OF_THE_JOB.contains(&key.value.as_str()) || self.has_job(world) {
            return;
        }
        let message = format!("`{}` is of the writeback job, and there is none", key.value);
        self.report(
            Diagnostic::error("impossible-expectation", key.span, message)
                .label("this world has no writeback job")
                .help("leave it out, or give the world its job back"),
        );
    }

    /// A domain controller has the people of its own domain.
    pub(super) fn check_place(
        &mut self,
        path: &Spanned<AttributePath>,
        mailboxes: &Selector,
        world: &World,
    ) {
        let Some(name) = &path.value.dc else { return };
        let Some(at) = domain_of(world, name) else { return };
        let stranger = strangers(world, mailboxes).find(|(_, domain)| *domain != at);
        if let Some((who, domain)) = stranger {
            let own: Vec<&str> = controllers(world)
                .filter(|(forest, dc)| domain_name(forest, dc) == Some(domain))
                .map(|(_, dc)| dc.name.value.as_str())
                .collect();
            let message = format!("`{name}` is of {at}, and {who} is of {domain}");
            self.report(
                Diagnostic::error("impossible-expectation", path.span, message)
                    .label("has nothing of that domain to write or to show")
                    .help(format!("{domain} is on {}", own.join(", "))),
            );
        }
    }

    /// Members and their like are of groups.
    pub(super) fn check_of_a_group(&mut self, path: &Spanned<AttributePath>, mailboxes: &Selector) {
        let name = path.value.attribute.as_str();
        let is_of_groups = path.value.side == Side::Entra
            && GROUP_PROPERTIES.iter().any(|of| of.eq_ignore_ascii_case(name));
        let are_groups = match mailboxes {
            Selector::Names(names) => names.iter().all(|name| self.cast.is_group(&name.value)),
            Selector::All | Selector::Shape(_) => false,
        };
        if is_of_groups && !are_groups {
            let message = format!("a user in Entra has no `{name}`");
            self.report(
                Diagnostic::error("unknown-attribute", path.span, message)
                    .label("it is of a group"),
            );
        }
    }

    /// What is one of a few words is no other one, and a slip under `never` would never be found.
    pub(super) fn check_possible(
        &mut self,
        path: &AttributePath,
        comparison: &Spanned<Comparison>,
    ) {
        let Some(words) = words_of(path) else { return };
        if let Comparison::Below(_)
        | Comparison::Above(_)
        | Comparison::AtLeast(_)
        | Comparison::AtMost(_) = &comparison.value
        {
            let message = format!("{path} has no size: it is a word");
            self.report(
                Diagnostic::error("impossible-expectation", comparison.span, message)
                    .label(format!("expected {}", choice(&words))),
            );
            return;
        }
        let (Comparison::Equals(values) | Comparison::Contains(values) | Comparison::Set(values)) =
            &comparison.value
        else {
            return;
        };
        let is_one = |value: &&String| words.iter().any(|word| word.eq_ignore_ascii_case(value));
        if let Some(wrong) = values.iter().find(|value| !is_one(value)) {
            let message = format!("{path} is never `{wrong}`");
            let problem = Diagnostic::error("impossible-expectation", comparison.span, message)
                .label(format!("expected {}", choice(&words)));
            self.report(match nearest(wrong, words.iter().copied()) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem,
            });
        }
    }

    /// An address in a list of addresses has a type, and is another value than the same one of another type.
    pub(super) fn check_address_types(
        &mut self,
        path: &AttributePath,
        comparison: &Spanned<Comparison>,
    ) {
        let (Comparison::Equals(values) | Comparison::Contains(values) | Comparison::Set(values)) =
            &comparison.value
        else {
            return;
        };
        let is_list = ADDRESS_LISTS.iter().any(|list| path.attribute.eq_ignore_ascii_case(list));
        let bare = values.iter().find(|value| value.contains('@') && !value.contains(':'));
        if let Some(bare) = bare.filter(|_| is_list) {
            let message = format!("no value of {path} is `{bare}`: each begins with its type");
            self.report(
                Diagnostic::error("address-without-type", comparison.span, message)
                    .label("expected `smtp:` or, of the primary address, `SMTP:` before it")
                    .help(
                        "`primary` and `lacks` take addresses without; of a value that AD holds \
                         without its type say `matches`",
                    ),
            );
        }
    }
}

/// Of a property that is one of a few words: those words. Nothing for the others.
fn words_of(path: &AttributePath) -> Option<Vec<&'static str>> {
    let name = path.attribute.as_str();
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    let truth = match path.side {
        Side::Exo => {
            property::number(name).is_some_and(property::is_boolean)
                || ["IsExchangeCloudManaged", "IsDirSynced"].iter().any(is)
        }
        Side::Entra => ["onPremisesSyncEnabled", "isCloudManaged"].iter().any(is),
        Side::Ad => false,
    };
    if truth {
        return Some(vec!["true", "false"]);
    }
    let kinds = RecipientType::ALL.map(RecipientType::details).into_iter().chain(OF_GROUPS);
    (path.side == Side::Exo && is(&"RecipientTypeDetails")).then(|| kinds.collect())
}

fn controllers(world: &World) -> impl Iterator<Item = (&Forest, &Dc)> {
    world.forests().flat_map(|forest| forest.dcs.iter().map(move |dc| (forest, dc)))
}

fn domain_name<'w>(forest: &'w Forest, dc: &'w Dc) -> Option<&'w str> {
    dc.domain.as_ref().or(forest.domains.first()).map(|domain| domain.value.as_str())
}

/// The domain of a domain controller.
fn domain_of<'w>(world: &'w World, name: &str) -> Option<&'w str> {
    let (forest, dc) = controllers(world).find(|(_, dc)| dc.name.value == name)?;
    domain_name(forest, dc)
}

/// Whom of the population a selector names, each with the domain. People of an export and of the story are
/// not known here, and `all` is everybody wherever they are.
fn strangers<'w>(
    world: &'w World,
    mailboxes: &'w Selector,
) -> impl Iterator<Item = (&'w str, &'w str)> {
    let root = world.forest.domains.first().map_or("", |domain| domain.value.as_str());
    let is_named = move |own: &str, is_shape: bool| match mailboxes {
        Selector::All => false,
        Selector::Shape(shape) => is_shape && shape == own,
        Selector::Names(names) => names.iter().any(|name| match name.value.rsplit_once('-') {
            Some((shape, _)) if is_shape => shape == own,
            _ => !is_shape && name.value == own,
        }),
    };
    world.population.iter().filter_map(move |part| {
        let (own, domain, is_shape) = match part {
            Population::User(user) => (user.name.value.as_str(), &user.domain, false),
            Population::Shape { shape, domain, .. } => (shape.value.as_str(), domain, true),
            Population::Ldif { .. } => return None,
        };
        let domain = domain.as_ref().map_or(root, |domain| domain.value.as_str());
        is_named(own, is_shape).then_some((own, domain))
    })
}
