//! Batch requests: several messages in one, all carried out or none.

use ldap3::exop::Exop;

use super::super::ber::{OCTETS, Reader, SEQUENCE, Writer};
use super::*;
use crate::directory::root_dse::BATCH;

fn title(of: u32, value: &str) -> Message {
    let change = Change {
        operation: ChangeOperation::Replace,
        attribute: "title".into(),
        values: vec![value.as_bytes().to_vec()],
    };
    let object = Name::from_text(&format!("CN=User {of:05},{PEOPLE}"));
    let operation = Operation::Modify(ModifyRequest { object, changes: vec![change] });
    let body = Body::Directory(Request { operation, controls: Vec::new() });
    Message { id: i32::try_from(of).unwrap() + 1, body }
}

fn packed(messages: &[Message]) -> Vec<u8> {
    let mut writer = Writer::default();
    let end = writer.open();
    for message in messages.iter().rev() {
        writer.octets(OCTETS, &write(message));
    }
    writer.close(SEQUENCE, end);
    writer.bytes().to_vec()
}

fn titles(running: &Running) -> Vec<String> {
    let forest = running.forest.lock().unwrap();
    let of = |number: u32| {
        let object = forest.resolve(DcNumber(0), &Name::Guid(guid(number))).unwrap();
        let values = forest.values(DcNumber(0), object, "title");
        values.into_iter().map(|value| String::from_utf8(value).unwrap()).collect::<String>()
    };
    vec![of(0), of(1)]
}

#[tokio::test]
async fn a_batch_is_carried_out_whole_or_not_at_all() {
    let running = running(2).await;
    let ask =
        |messages: &[Message]| Exop { name: Some(BATCH.to_owned()), val: Some(packed(messages)) };
    let two = ask(&[title(0, "clerk"), title(1, "chief")]);
    let mut nobody = running.client().await;
    assert_eq!(nobody.extended(two).await.unwrap().1.rc, 1, "a bind comes first");
    let mut ldap = running.bound().await;
    let half = ask(&[title(0, "clerk"), title(7, "nobody")]);
    assert_eq!(ldap.extended(half).await.unwrap().1.rc, 32);
    assert_eq!(titles(&running), ["", ""]);
    let two = ask(&[title(0, "clerk"), title(1, "chief")]);
    let (answer, result) = {
        let done = ldap.extended(two).await.unwrap();
        (done.0, done.1)
    };
    assert_eq!(result.rc, 0, "{}", result.text);
    let value = answer.val.unwrap();
    let mut outer = Reader::new(&value);
    let mut list = Reader::new(outer.expect(SEQUENCE).unwrap());
    let mut count = 0;
    while !list.is_empty() {
        assert!(!list.expect(OCTETS).unwrap().is_empty());
        count += 1;
    }
    assert_eq!(count, 2, "an answer for each");
    assert_eq!(titles(&running), ["clerk", "chief"]);
    let garbage = Exop { name: Some(BATCH.to_owned()), val: Some(b"garbage".to_vec()) };
    assert_eq!(ldap.extended(garbage).await.unwrap().1.rc, 2);
    running.server.shut_down().await;
}
