//! Mailboxes that move: to the cloud in batches, and back to the server.

use super::draft::ActionDraft;
use super::story::Playwright;

/// Minutes after which a move has come to its end.
const MOVES: u64 = 35;

fn exo(playwright: &mut Playwright<'_>, line: String) {
    playwright.push(ActionDraft::Cmdlet("exo", line));
}

/// Somebody's mailbox moves.
pub(super) fn moves(playwright: &mut Playwright<'_>) {
    if playwright.searches_may_fail || playwright.server_is_gone {
        return playwright.wait();
    }
    let home = playwright.those(|actor| actor.on_premises && actor.keeps_own_address);
    if !home.is_empty() && playwright.dice.percent(70) {
        if let Some(place) = playwright.dice.pick(&home).copied() {
            to_the_cloud(playwright, place);
        }
        return;
    }
    to_the_server(playwright);
}

/// A batch of one, which somebody starts and completes.
fn to_the_cloud(playwright: &mut Playwright<'_>, place: usize) {
    playwright.moves += 1;
    let batch = format!("batch{}", playwright.moves);
    let name = playwright.cast[place].name.clone();
    let by_itself = playwright.dice.percent(50);
    let starts = if by_itself { " -AutoStart" } else { "" };
    let data = format!("-CSVData \"EmailAddress`n{name}@contoso.com\"");
    exo(
        playwright,
        format!("New-MigrationBatch -Name {batch} -SourceEndpoint premises {data}{starts}"),
    );
    if !by_itself {
        exo(playwright, format!("Start-MigrationBatch {batch}"));
    }
    playwright.push(ActionDraft::Wait(MOVES));
    exo(playwright, format!("Get-MigrationBatch {batch}"));
    exo(playwright, format!("Complete-MigrationBatch {batch}"));
    exo(playwright, format!("Remove-MigrationBatch {batch}"));
    playwright.connect_cycle();
    let actor = &mut playwright.cast[place];
    actor.in_cloud = true;
    actor.on_premises = false;
    actor.is_remote_mailbox = true;
}

/// Whoever is AD's goes back to the server as a whole.
fn to_the_server(playwright: &mut Playwright<'_>) {
    // What a move or a licence brought to the cloud in the story stays there.
    let people = &playwright.world.people;
    let was_there =
        |name: &str| people.iter().any(|person| person.name == name && person.mailbox.is_none());
    let leaves = playwright.one_of(|actor| {
        let is_ads = actor.is_transferable() && !actor.was_managed && actor.is_remote_mailbox;
        is_ads && !actor.watched && was_there(&actor.name)
    });
    let Some(place) = leaves else { return playwright.wait() };
    let name = playwright.cast[place].name.clone();
    exo(playwright, format!("New-MoveRequest {name} -Outbound -RemoteHostName mail.contoso.com"));
    if playwright.dice.percent(30) {
        // Somebody thinks better of it.
        return exo(playwright, format!("Remove-MoveRequest {name}"));
    }
    playwright.push(ActionDraft::Wait(MOVES));
    exo(playwright, format!("Get-MoveRequest {name}"));
    playwright.connect_cycle();
    let actor = &mut playwright.cast[place];
    actor.in_cloud = false;
    actor.on_premises = true;
    actor.is_remote_mailbox = false;
    actor.licensed = None;
    playwright.has_boarded = true;
}
