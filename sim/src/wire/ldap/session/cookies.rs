//! The cookies of pages and the contexts of windows that a session gave its client.

use std::borrow::Cow;

use super::{DirectoryDoor, Session};
use crate::directory::answer::{LdapResult, Response};
use crate::directory::diagnostic;
use crate::directory::request::{Control, ControlValue, Operation, Request};

/// From this length on a cookie stays on the server, and the client gets a short one.
const LONG_COOKIE: usize = 64;

/// A cookie, or the context of a window, as the client has it and as the directory wrote it.
#[derive(Debug)]
pub(super) struct Cookie {
    handle: Vec<u8>,
    /// `None`: it is the same.
    kept: Option<Vec<u8>>,
}

impl Cookie {
    fn content(&self) -> &[u8] {
        self.kept.as_deref().unwrap_or(&self.handle)
    }
}

impl<D: DirectoryDoor> Session<D> {
    /// A search with its cookies as the directory wrote them. A cookie belongs to the connection that got it,
    /// and to nobody once newer ones pushed it out; the context of a window can be used again.
    ///
    /// # Errors
    /// 12 for such a cookie; 53 for such a context, unless the control is not critical and is left out then.
    pub(super) fn redeemed<'r>(
        &mut self,
        request: &'r Request,
    ) -> Result<Cow<'r, Request>, LdapResult> {
        let asks = |control: &Control| match &control.value {
            ControlValue::PagedResults { cookie, .. } => !cookie.is_empty(),
            ControlValue::Vlv { context, .. } => {
                context.as_ref().is_some_and(|context| !context.is_empty())
            }
            _ => false,
        };
        let searches = matches!(request.operation, Operation::Search(_));
        if !searches || !request.controls.iter().any(asks) {
            return Ok(Cow::Borrowed(request));
        }
        let mut redeemed = request.clone();
        let mut left_out = Vec::new();
        for (at, control) in redeemed.controls.iter_mut().enumerate().filter(|(_, at)| asks(at)) {
            let (given, once) = match &mut control.value {
                ControlValue::PagedResults { cookie, .. } => (cookie, true),
                ControlValue::Vlv { context: Some(context), .. } => (context, false),
                _ => continue,
            };
            match self.cookies.iter().position(|known| known.handle == *given) {
                Some(known) => {
                    let Some(known) = self.cookies.remove(known) else { continue };
                    *given = known.content().to_vec();
                    if !once {
                        self.cookies.push_back(known);
                    }
                }
                None if once => return Err(diagnostic::bad_control()),
                None if control.critical => return Err(diagnostic::unwilling(0x2035)),
                None => left_out.push(at),
            }
        }
        for at in left_out.into_iter().rev() {
            redeemed.controls.remove(at);
        }
        Ok(Cow::Owned(redeemed))
    }

    /// Keeps the cookies of an answer, and the long ones here.
    pub(super) fn remember_cookies(&mut self, response: &mut Response) {
        for control in &mut response.controls {
            let cookie = match &mut control.value {
                ControlValue::PagedResults { cookie, .. } => cookie,
                ControlValue::VlvResult { context, .. } => context,
                _ => continue,
            };
            if cookie.is_empty() {
                continue;
            }
            // The context that the request came with.
            if let Some(known) = self.cookies.back().filter(|known| known.content() == *cookie) {
                cookie.clone_from(&known.handle);
                continue;
            }
            let given = core::mem::take(cookie);
            let known = if given.len() < LONG_COOKIE {
                Cookie { handle: given, kept: None }
            } else {
                self.handed_out += 1;
                let mut handle = b"kept".to_vec();
                handle.extend_from_slice(&self.handed_out.to_le_bytes());
                Cookie { handle, kept: Some(given) }
            };
            cookie.clone_from(&known.handle);
            if self.cookies.len() >= self.options.max_result_sets {
                self.cookies.pop_front();
            }
            self.cookies.push_back(known);
        }
    }

    /// The cookie that was given last.
    #[cfg(test)]
    pub(in crate::wire::ldap) fn cookies_for_test(&self) -> Option<Vec<u8>> {
        self.cookies.back().map(|cookie| cookie.handle.clone())
    }
}
