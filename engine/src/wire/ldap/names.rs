//! Whether names mean anything in a directory: those of containers and groups, and those of attributes.

use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use ldap3::{Scope, SearchEntry, ldap_escape};

use super::{LdapGateways, Lost, connection, entries, gateway, no_ldap};
use crate::ports::{AgentName, CallError, Name};

/// How many attributes are asked for with one search.
const NAMES: usize = 50;

impl LdapGateways {
    /// Which of these names are of nothing that this agent's account may see: the DC says that there is no such
    /// object (RFC 4511 A.2, noSuchObject). A name in another domain, to which the DC refers, is none of them.
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`.
    pub fn absent(
        &mut self,
        agent: &AgentName,
        names: &[String],
    ) -> Result<Vec<String>, CallError> {
        self.runtime.clone().block_on(self.look_for(agent, names))
    }

    async fn look_for(
        &mut self,
        agent: &AgentName,
        names: &[String],
    ) -> Result<Vec<String>, CallError> {
        const NO_SUCH_OBJECT: u32 = 32;
        const REFERRAL: u32 = 10;
        let timeout = self.timeout;
        let gateway = gateway(&mut self.gateways, agent)?;
        let mut ldap = gateway.connected().await?;
        let nothing = ["1.1".to_owned()];
        let mut absent = Vec::new();
        for name in names {
            let place = (name.as_str(), Scope::Base);
            let search = entries(&mut ldap, timeout, place, "(objectClass=*)", &nothing);
            match AssertUnwindSafe(search).catch_unwind().await.unwrap_or_else(|_| no_ldap()) {
                Ok(Ok(found)) if found.is_empty() => absent.push(name.clone()),
                Ok(Err(result)) if result.rc == NO_SUCH_OBJECT => absent.push(name.clone()),
                Ok(Err(result)) if result.rc == REFERRAL => {}
                Ok(Ok(_)) => {}
                Ok(Err(result)) => return Err(connection::refusal(&result)),
                Err(Lost(error)) => {
                    gateway.disconnect();
                    return Err(error);
                }
            }
        }
        Ok(absent)
    }

    /// Which of these attributes the schema of the forest does not have, or has no more (`isDefunct`). Where it shows
    /// none of them the account may not read it, and nothing is said ([MS-ADTS] 3.1.1.2.3, attributeSchema; 3.1.1.3.2,
    /// schemaNamingContext of the rootDSE).
    ///
    /// # Errors
    /// Any [`CallError`] but `PageExpired`.
    pub fn without_schema(
        &mut self,
        agent: &AgentName,
        attributes: &[Name],
    ) -> Result<Vec<Name>, CallError> {
        self.runtime.clone().block_on(self.look_into_schema(agent, attributes))
    }

    async fn look_into_schema(
        &mut self,
        agent: &AgentName,
        attributes: &[Name],
    ) -> Result<Vec<Name>, CallError> {
        const CONTEXT: &str = "schemaNamingContext";
        const NAME: &str = "lDAPDisplayName";
        let root = self.texts(agent, ("", Scope::Base), "(objectClass=*)", CONTEXT).await?;
        let Some(schema) = root.into_iter().next() else { return Ok(Vec::new()) };
        let mut there: Vec<String> = Vec::new();
        for some in attributes.chunks(NAMES) {
            let mut filter = "(&(objectClass=attributeSchema)(!(isDefunct=TRUE))(|".to_owned();
            for name in some {
                // Writing into a String cannot fail.
                let _ = write!(filter, "({NAME}={})", ldap_escape(name.as_ref()));
            }
            filter.push_str("))");
            there.extend(self.texts(agent, (&schema, Scope::OneLevel), &filter, NAME).await?);
        }
        if there.is_empty() {
            return Ok(Vec::new());
        }
        let lacks = |name: &&Name| !there.iter().any(|known| known.eq_ignore_ascii_case(name));
        Ok(attributes.iter().filter(lacks).cloned().collect())
    }

    /// The values of one attribute of what a search finds.
    async fn texts(
        &mut self,
        agent: &AgentName,
        place: (&str, Scope),
        filter: &str,
        attribute: &str,
    ) -> Result<Vec<String>, CallError> {
        let timeout = self.timeout;
        let gateway = gateway(&mut self.gateways, agent)?;
        let mut ldap = gateway.connected().await?;
        let names = [attribute.to_owned()];
        let search = entries(&mut ldap, timeout, place, filter, &names);
        match AssertUnwindSafe(search).catch_unwind().await.unwrap_or_else(|_| no_ldap()) {
            Ok(Ok(found)) => {
                let rows = found.into_iter().map(SearchEntry::construct);
                Ok(rows.flat_map(|row| row.attrs.into_values().flatten()).collect())
            }
            Ok(Err(result)) => Err(connection::refusal(&result)),
            Err(Lost(error)) => {
                gateway.disconnect();
                Err(error)
            }
        }
    }
}
