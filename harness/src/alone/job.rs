//! The writeback job in the configuration file: its schema, its scope, and how it answers what is not
//! published.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use engine::attributes::CONTRACT;
use engine::job::{
    Anchor, EscrowLadder, ExportMode, JobConfiguration, LimitAction, MAILBOX_LIMIT, MATCH_ORDER,
    ModifyGranularity, ProxyMode, RecipientTypeMode, Switches, WATERMARK_OVERLAP,
};
use engine::schema::{Mapping, Wish, document};
use engine::time::Timestamp;
use engine::writeback::ScopeFilter;
use engine::writeback::scope::Filter;
use serde::Deserialize;

use crate::scenario::duration;

/// `schedule.interval` of the job.
const INTERVAL: Duration = Duration::from_mins(20);

/// `writeback:`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Writeback {
    created_on: Option<jiff::civil::Date>,
    interval: Option<String>,
    /// A file with the whole schema in the shape of Microsoft Graph.
    pub(super) schema: Option<PathBuf>,
    /// Single mappings that differ from the default ones.
    mappings: BTreeMap<String, Option<String>>,
    match_order: Option<[Key; 3]>,
    proxy_mode: Proxies,
    write_onmicrosoft: Option<bool>,
    null_flow: bool,
    null_flow_multi: bool,
    recipient_type: Types,
    first_time_requires_initial: bool,
    export_mode: Export,
    drift_heal: Heal,
    classes: Classes,
    limit_action: Limit,
    mailbox_limit: Option<u64>,
    escrow_ladder: Ladder,
    modify_granularity: Granularity,
    cloud_only_types: CloudOnly,
    disabled_accounts: Disabled,
    mail: Option<bool>,
    watermark_overlap: Option<String>,
}

/// `scope:`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Scope {
    ous: Vec<String>,
    groups: Vec<String>,
}

/// A word of the file for each value of a switch; the first is the default.
macro_rules! words {
    ($name:ident: $first:ident $(, $other:ident)*) => {
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum $name { #[default] $first $(, $other)* }
    };
}

words!(Key: ObjectIdentifier, ImmutableId, ExternalId);
words!(Proxies: ReplaceSmtp, ReplaceAll, Merge);
words!(Types: Remote, Raw);
words!(Export: WholeDiff, ChangedAttributes);
words!(Heal: InitialCycle, EveryCycle);
words!(Classes: User, UserAndInetOrgPerson);
words!(Limit: Warn, Refuse);
words!(Ladder: General, EveryCycle);
words!(Granularity: Object, Attribute);
words!(CloudOnly: Skip, AsRoom);
words!(Disabled: Write, Skip);

impl Writeback {
    /// The job of a domain; `schema` is the text of the file that `schema:` names.
    ///
    /// # Errors
    /// What is wrong, with the key that says it.
    pub(super) fn configuration(
        &self,
        scope: Scope,
        schema: Option<&str>,
        domain: &str,
    ) -> Result<JobConfiguration, String> {
        let interval = self.interval.as_deref().map_or(Ok(INTERVAL), |text| {
            duration(text).map_err(|expected| format!("`writeback.interval`: expected {expected}"))
        })?;
        let created_on = match self.created_on {
            None => engine::attributes::GENERAL_AVAILABILITY,
            Some(date) => {
                let midnight = date
                    .to_zoned(jiff::tz::TimeZone::UTC)
                    .map_err(|error| format!("`writeback.created_on`: {error}"))?;
                Timestamp::from_micros(midnight.timestamp().as_microsecond())
            }
        };
        let scope = ScopeFilter { containers: scope.ous, groups: scope.groups }
            .parse()
            .map_err(|error| format!("`scope`: {error}"))?;
        let (mapping, scope) = self.mapping(schema, scope, created_on)?;
        Ok(JobConfiguration {
            id: format!("writeback.{domain}"),
            rule: "default".to_owned(),
            created_on,
            interval,
            switches: self.switches()?,
            mapping,
            scope,
        })
    }

    /// The attribute mappings and the scope: those of the schema file, or the default ones with single
    /// changes.
    fn mapping(
        &self,
        schema: Option<&str>,
        scope: Filter,
        created_on: Timestamp,
    ) -> Result<(Option<Mapping>, Filter), String> {
        if let Some(text) = schema {
            if !self.mappings.is_empty() || !scope.is_open() || self.mail.is_some() {
                return Err("`writeback.schema` says everything of mapping and scope: leave out \
                            `writeback.mappings`, `writeback.mail` and `scope`"
                    .to_owned());
            }
            let refuse = |why: String| format!("`writeback.schema`: {why}");
            let value = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
            let read = document::read(&value).map_err(|error| refuse(error.to_string()))?;
            return Ok((Some(read.mapping), read.scope));
        }
        if self.mappings.is_empty() {
            return Ok((None, scope));
        }
        let with_mail = self.mail.unwrap_or(true);
        let mut wishes: Vec<Wish> = CONTRACT
            .iter()
            .filter(|attribute| {
                attribute.is_default_for(created_on) && (with_mail || attribute.ldap_name != "mail")
            })
            .map(|attribute| Wish {
                target: attribute.ldap_name.to_owned(),
                source: match attribute.ldap_name {
                    "msExchRecipientDisplayType" => "[RecipientDisplayType]".to_owned(),
                    _ => format!("[{}]", attribute.property),
                },
                default: None,
            })
            .collect();
        for (target, source) in &self.mappings {
            wishes.retain(|wish| !wish.target.eq_ignore_ascii_case(target));
            if let Some(source) = source {
                let is_name = source.chars().all(char::is_alphanumeric);
                let source = if is_name { format!("[{source}]") } else { source.clone() };
                wishes.push(Wish { target: target.clone(), source, default: None });
            } else if engine::attributes::by_ldap_name(target).is_none() {
                return Err(format!("`writeback.mappings`: `{target}` is not mapped anyway"));
            }
        }
        let mapping = Mapping::new(&wishes);
        Ok((Some(mapping.map_err(|error| format!("`writeback.mappings`: {error}"))?), scope))
    }

    fn switches(&self) -> Result<Switches, String> {
        let mut keys = self.match_order.map(Vec::from).unwrap_or_default();
        keys.sort_unstable();
        keys.dedup();
        if self.match_order.is_some() && keys.len() < 3 {
            return Err("`writeback.match_order` names a key twice".to_owned());
        }
        let anchor = |key| match key {
            Key::ObjectIdentifier => Anchor::ObjectIdentifier,
            Key::ImmutableId => Anchor::ImmutableId,
            Key::ExternalId => Anchor::ExternalId,
        };
        Ok(Switches {
            match_order: self.match_order.map_or(MATCH_ORDER, |keys| keys.map(anchor)),
            proxy_mode: match self.proxy_mode {
                Proxies::ReplaceSmtp => ProxyMode::ReplaceSmtp,
                Proxies::ReplaceAll => ProxyMode::ReplaceAll,
                Proxies::Merge => ProxyMode::Merge,
            },
            write_onmicrosoft: self.write_onmicrosoft.unwrap_or(true),
            null_flow: self.null_flow,
            null_flow_multi: self.null_flow_multi,
            recipient_type_mode: match self.recipient_type {
                Types::Remote => RecipientTypeMode::Remote,
                Types::Raw => RecipientTypeMode::Raw,
            },
            first_time_requires_initial: self.first_time_requires_initial,
            export_mode: match self.export_mode {
                Export::WholeDiff => ExportMode::WholeDiff,
                Export::ChangedAttributes => ExportMode::ChangedAttributes,
            },
            drift_heal: self.drift_heal == Heal::EveryCycle,
            inet_org_person: self.classes == Classes::UserAndInetOrgPerson,
            limit_action: match self.limit_action {
                Limit::Warn => LimitAction::Warn,
                Limit::Refuse => LimitAction::Refuse,
            },
            mailbox_limit: self.mailbox_limit.unwrap_or(MAILBOX_LIMIT),
            escrow_ladder: match self.escrow_ladder {
                Ladder::General => EscrowLadder::General,
                Ladder::EveryCycle => EscrowLadder::EveryCycle,
            },
            modify_granularity: match self.modify_granularity {
                Granularity::Object => ModifyGranularity::Object,
                Granularity::Attribute => ModifyGranularity::Attribute,
            },
            cloud_only_types_as_rooms: self.cloud_only_types == CloudOnly::AsRoom,
            write_disabled: self.disabled_accounts == Disabled::Write,
            mail_mapped: self.mail.unwrap_or(true),
            watermark_overlap: self.watermark_overlap.as_deref().map_or(
                Ok(WATERMARK_OVERLAP),
                |text| {
                    let wrong =
                        |expected| format!("`writeback.watermark_overlap`: expected {expected}");
                    duration(text).map_err(wrong)
                },
            )?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(text: &str, schema: Option<&str>) -> Result<JobConfiguration, String> {
        let file: Writeback = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        file.configuration(Scope::default(), schema, "contoso.com")
    }

    #[test]
    fn single_mappings_change_the_default_ones() {
        let text = "mappings: {extensionAttribute1: CustomAttribute9, mail: 'ToLower([Mail])', extensionAttribute2: ~}";
        let mapping = configuration(text, None).unwrap().mapping.unwrap();
        assert_eq!(mapping.flows().len(), 23);
        let refused = |text: &str| configuration(text, None).unwrap_err();
        assert!(refused("mappings: {department: CustomAttribute1}").contains("department"));
        assert!(refused("mappings: {mail: 'Guid()'}").contains("Guid"));
        assert!(refused("mappings: {department: ~}").contains("not mapped anyway"));
        assert!(configuration("interval: 30m", None).unwrap().mapping.is_none());
    }

    #[test]
    fn a_schema_file_says_everything() {
        let schema = r#"{"synchronizationRules": [{"objectMappings": [{"attributeMappings": [
            {"targetAttributeName": "mail", "source": {"expression": "[Mail]"}}]}],
            "groupFilter": {"includedGroups": ["CN=Pilot,DC=c"]}}]}"#;
        let job = configuration("interval: 30m", Some(schema)).unwrap();
        assert_eq!(job.mapping.unwrap().flows().len(), 1);
        assert!(!job.scope.is_open());
        let both = configuration("mail: true", Some(schema)).unwrap_err();
        assert!(both.contains("says everything"));
        assert!(configuration("{}", Some("{")).unwrap_err().contains("writeback.schema"));
    }

    #[test]
    fn every_switch_of_the_job_has_its_word() {
        let text = "{match_order: [external_id, object_identifier, immutable_id], proxy_mode: merge, \
                    write_onmicrosoft: false, null_flow: true, null_flow_multi: true, \
                    watermark_overlap: 90s, \
                    recipient_type: raw, first_time_requires_initial: true, \
                    export_mode: changed_attributes, drift_heal: every_cycle, \
                    classes: user_and_inet_org_person, limit_action: refuse, \
                    mailbox_limit: 5, escrow_ladder: every_cycle, modify_granularity: attribute, \
                    cloud_only_types: as_room, disabled_accounts: skip, mail: false}";
        let switches = configuration(text, None).unwrap().switches;
        let others = Switches::default();
        assert_eq!(
            switches,
            Switches {
                match_order: [Anchor::ExternalId, Anchor::ObjectIdentifier, Anchor::ImmutableId],
                proxy_mode: ProxyMode::Merge,
                write_onmicrosoft: !others.write_onmicrosoft,
                null_flow: !others.null_flow,
                null_flow_multi: !others.null_flow_multi,
                recipient_type_mode: RecipientTypeMode::Raw,
                first_time_requires_initial: !others.first_time_requires_initial,
                export_mode: ExportMode::ChangedAttributes,
                drift_heal: !others.drift_heal,
                inet_org_person: !others.inet_org_person,
                limit_action: LimitAction::Refuse,
                mailbox_limit: 5,
                escrow_ladder: EscrowLadder::EveryCycle,
                modify_granularity: ModifyGranularity::Attribute,
                cloud_only_types_as_rooms: !others.cloud_only_types_as_rooms,
                write_disabled: !others.write_disabled,
                mail_mapped: !others.mail_mapped,
                watermark_overlap: Duration::from_secs(90),
            }
        );
        assert!(configuration("proxy_mode: swap", None).is_err());
    }
}
