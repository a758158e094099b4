//! Change notification: what changed in a scope since a moment ([MS-ADTS] 3.1.1.3.4.1.9).

use std::sync::Arc;

use crate::directory::answer::{SearchEntry, SearchHit};
use crate::directory::controls::Controls;
use crate::directory::derived::View;
use crate::directory::entry::DcNumber;
use crate::directory::forest::Forest;
use crate::directory::principal::Principal;
use crate::directory::progress::Run;
use crate::directory::request::{Control, Filter, Scope, SearchRequest};
use crate::directory::schema::known;
use crate::directory::search::Asker;
use crate::directory::security::reading::Reading;

impl Forest {
    /// Whether a search can be one for changes: everything below a base, one level deep, or the base.
    pub(super) fn is_watchable(&self, dc: DcNumber, request: &SearchRequest) -> bool {
        let everything = matches!(&request.filter, Filter::Present(name)
            if self.attribute(name).is_some_and(|at| at.number == known::OBJECT_CLASS));
        let whole = request.scope != Scope::Subtree
            || self
                .resolve(dc, &request.base)
                .is_ok_and(|base| self.contexts.iter().any(|context| context.head == base));
        everything && whole
    }

    /// The entries of a search for changes that changed after a sequence number, and the highest number
    /// there is. Without a number: none yet.
    #[must_use]
    pub fn changed_entries(
        &self,
        dc: DcNumber,
        principal: &Principal,
        request: &SearchRequest,
        controls: &[Control],
        after: Option<u64>,
    ) -> (Vec<SearchEntry>, u64) {
        let Some(controller) = self.dc(dc) else { return (Vec::new(), 0) };
        let highest = controller.highest_usn;
        let (Some(after), Ok(asked)) = (after, Controls::read(controls)) else {
            return (Vec::new(), highest);
        };
        let Ok(base) = self.resolve_seeing(dc, &request.base, asked.sight) else {
            return (Vec::new(), highest);
        };
        let now = crate::clock::VirtualTime::from_micros(0);
        let reading = Reading::of(principal);
        let asker = Asker {
            dc,
            principal,
            now,
            catalog: false,
            reading: reading.as_ref(),
            run: Run::default(),
        };
        let look = asker.look(request, &asked);
        let selection = self.selection(&request.selection);
        let mut entries = Vec::new();
        for (_, object) in controller.store.changed_from(after.saturating_add(1)) {
            let Some(slot) = controller.store.get(object) else { continue };
            let inside = match request.scope {
                Scope::Base => object == base,
                Scope::OneLevel => slot.entry.parent == Some(base),
                Scope::Subtree => Self::is_within(controller, object, slot, base),
            };
            let view = View { look, ..View::new(self, controller, object, slot) };
            if !inside || !slot.entry.life.is_seen(asked.sight) || !view.is_listed() {
                continue;
            }
            let hit = SearchHit { object, entry: Arc::clone(&slot.entry), stamp: slot.stamp };
            let shown = self.rendered(controller, &hit, &selection, look, request.types_only);
            entries.extend(shown);
        }
        (entries, highest)
    }
}
