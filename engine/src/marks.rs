//! The branches at which the engine decides, by name: what a library of scenarios reaches of them is
//! what it tests.

marks::declare! {
    CycleInitial = "cycle.initial", "a cycle looks at everything";
    CycleDelta = "cycle.delta", "a cycle looks at what changed since the watermark";
    ListingStartsOver = "cycle.listing-starts-over", "the token of a page was not known any more";
    CycleStopped = "cycle.stopped", "a command ends a cycle before its next write";
    CycleFailed = "cycle.failed", "a cycle fails as a whole, and the watermark stays";
    CycleLate = "cycle.late", "a cycle took longer than its interval, and the next one starts late";
    SeesAgain = "cycle.sees-again", "a mailbox within the overlap of the watermark comes again, and is not logged again";
    SeesOlder = "cycle.sees-older", "a lagging copy shows an older version of a mailbox than was exported";

    AgentNone = "agent.none-registered", "no agent is registered";
    AgentNoneUsable = "agent.none-usable", "no agent is active and new enough";
    AgentTooOld = "agent.too-old", "an agent is passed over for its version";
    AgentNext = "agent.next", "an agent does not answer, and the next one is asked";
    AgentNoneAnswers = "agent.none-answers", "no agent answers, and the cycle fails";

    IntentApplied = "intent.applied", "a write of an earlier life turns out to be applied";
    IntentForgotten = "intent.forgotten", "a write of an earlier life was never made";

    CallThrottledWish = "call.throttled-with-wish", "a call is made again when the service wishes";
    CallThrottled = "call.throttled-without-wish", "a call is made again after a wait that doubles";
    CallAgain = "call.again", "a call is made again because the service failed";
    CallGivenUp = "call.given-up", "a call is not made again, and its cycle or activity fails";

    MailboxUnread = "import.mailbox-unread", "the row of one mailbox cannot be read: that one goes to the escrow";
    UserUnread = "import.user-unread", "the row of one user cannot be read: that one goes to the escrow";
    ObjectBroken = "import.object-incomplete", "the values of one object do not come whole: that one goes to the escrow";

    ScopeOut = "scope.out", "a mailbox is not in scope: AD has authority, or it has no counterpart";
    ScopeType = "scope.type-unknown-to-ad", "a mailbox is of a type that AD does not know";
    ScopeClass = "scope.class", "an object is of a class that is not written";
    ScopeFilter = "scope.filtered", "an object lies outside of the scoping filter";
    ScopeWaits = "scope.waits-for-initial", "a mailbox new to the job waits for an initial cycle";
    ScopeDomain = "scope.other-domain", "a mailbox belongs to another domain's configuration";

    LinkRests = "link.rests", "a mailbox that was written back leaves the scope, and keeps its link";
    MatchLinked = "match.linked", "the object is read by the link";
    MatchLinkStale = "match.link-stale", "what was linked is gone, and the mailbox is matched anew";
    MatchFound = "match.found", "an anchor hits one object";
    MatchNone = "match.none", "no object matches";
    MatchSeveral = "match.several-objects", "several objects carry the anchor, and none is touched";
    MatchContended = "match.several-mailboxes", "several mailboxes match one object";

    DiffExported = "diff.exported-before", "this version of a mailbox was exported before";
    DiffEqual = "diff.equal", "both sides agree";
    DiffEmptyStays = "diff.empty-does-not-flow", "a missing value stays in AD";
    DiffRemoved = "diff.removed", "an attribute is removed from AD";
    DiffReplaced = "diff.replaced", "one value takes the place of another";
    DiffElements = "diff.elements", "a set is changed value by value";

    WriteDone = "write.done", "a modify was applied";
    WriteRejected = "write.rejected", "the directory rejects a modify";
    WriteTransient = "write.passes", "the directory is busy or away, which passes";
    WriteConflict = "write.conflict", "an object is in another state than it was read in";
    WriteUnanswered = "write.unanswered", "no answer comes to a modify, and the object is read back";
    WriteNotSent = "write.not-sent", "the connection breaks before a modify is sent, and it is sent with the next call";
    WriteWasMade = "write.was-made", "reading back shows that an unanswered modify was made";
    WriteWasNotMade = "write.was-not-made", "reading back shows that an unanswered modify was not made";
    WriteUndetermined = "write.undetermined", "nobody answers the reading back either: the intent stays";

    EscrowNextCycle = "escrow.next-cycle", "what passes by itself is tried again with the next cycle";
    EscrowLadder = "escrow.ladder", "a failed object climbs the ladder of 6, 12 and 24 hours";
    EscrowEnds = "escrow.ends", "the retries of an object end after 28 days";
    EscrowReleased = "escrow.released", "an object leaves the escrow";

    QuarantineBegins = "quarantine.begins", "the job goes into quarantine";
    QuarantineLifted = "quarantine.lifted", "the job leaves quarantine";
    QuarantineInitial = "quarantine.in-initial-cycle", "an initial cycle gives its failures up and pauses the job";
    QuarantineDisables = "quarantine.disables", "the job is disabled after four weeks in quarantine";

    JobStarted = "job.started", "the job is told to start";
    JobPaused = "job.paused", "the job is told to pause";
    JobRestarted = "job.restarted", "the job is told to restart";
    JobReconfigured = "job.reconfigured", "another mapping makes the next cycle an initial one";
    JobRestored = "job.restored", "a new process finds the state of an earlier one";
    OnDemand = "job.on-demand", "a mailbox is provisioned on demand";
    OnDemandMissing = "job.on-demand-missing", "provision on demand names a mailbox that is not there";

    TransferTenantBlocks = "transfer.tenant-blocks", "a finding about the tenant stops a transfer";
    TransferBlocked = "transfer.blocked", "a finding of the readiness check blocks a mailbox";
    TransferAccepted = "transfer.finding-accepted", "a finding that blocks is accepted";
    TransferAlready = "transfer.already", "the flag has the wanted value before";
    TransferMissing = "transfer.missing", "a mailbox to be transferred is not there";
    TransferResumed = "transfer.resumed", "a transfer goes on where an earlier process left it";
    TransferPauses = "transfer.pauses", "a transfer pauses between two waves";
    TransferBreach = "transfer.breach", "a wave breaches the acceptance criterion";
    FlipShown = "flip.shown", "a read shows the wanted flag";
    FlipWarned = "flip.applied-with-error", "a call failed, and a read shows that it was applied";
    FlipWaits = "flip.waits", "a call was accepted, and its effect is not visible yet";
    FlipNoOp = "flip.no-op", "a call was accepted, and changed nothing within the deadline";
    FlipAgain = "flip.again", "a refused or unanswered call is made again";
    FlipRefused = "flip.refused", "every call was refused";
    RollbackLoses = "rollback.loses", "a rollback takes values that the cloud alone has";
    RollbackClean = "rollback.clean", "a rollback takes nothing";
    RollbackAmbiguous = "rollback.ambiguous", "several objects match a mailbox that is to go back";
}
