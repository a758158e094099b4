//! The schema of a job: which property feeds which attribute, and which objects it is responsible for.
//!
//! [`document`] reads it in the shape of Microsoft Graph's `synchronizationSchema`; [`Mapping`] is what
//! was understood of its attribute mappings. What this engine does not support is refused, with the
//! place and the reason: nothing of a schema is ever passed over. Targets are the attributes of the
//! contract ([`crate::attributes`]): the job writes no other attribute of AD, whatever a schema says.

pub mod document;
pub mod expression;

use crate::attributes::{
    Attribute, CONTRACT, PROXY_ADDRESSES, RECIPIENT_DISPLAY_TYPE, RECIPIENT_TYPE_DETAILS, Shape,
    by_ldap_name,
};
use expression::Expression;

/// One attribute mapping as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// `targetAttributeName`: an `lDAPDisplayName`.
    pub target: String,
    /// `source.expression`: `[CustomAttribute1]`, `"text"`, or a function of them.
    pub source: String,
    /// `defaultValue`: what flows when the source has no value.
    pub default: Option<String>,
}

/// Why a schema is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct SchemaError {
    /// Where in it: `synchronizationRules[0].objectMappings[0].attributeMappings[3].source`, or the
    /// attribute.
    pub place: String,
    /// What is wrong or not supported, and what is.
    pub why: String,
    /// Whether it is a schema that the service might take and this engine does not support; otherwise
    /// it is none.
    pub unsupported: bool,
}

impl SchemaError {
    fn unsupported(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: place.into(), why: why.into(), unsupported: true }
    }

    fn malformed(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: place.into(), why: why.into(), unsupported: false }
    }
}

/// Attribute mappings that replace the default ones, understood and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    flows: Vec<Flow>,
}

/// One attribute and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The attribute of AD.
    pub attribute: &'static Attribute,
    /// Where its values come from.
    pub source: FlowSource,
}

/// Where the values of an attribute come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowSource {
    /// The property of this name, value for value.
    Direct(&'static str),
    /// The number that stands for the recipient's type.
    RecipientType,
    /// A text that is computed; the default value is what flows when it is null.
    Computed(Expression, Option<String>),
}

impl Mapping {
    /// Checks attribute mappings.
    ///
    /// # Errors
    /// [`SchemaError`] with the first that is wrong or not supported; its place is the attribute's name.
    pub fn new(wishes: &[Wish]) -> Result<Self, SchemaError> {
        if wishes.is_empty() {
            let why = "nothing is mapped; pause the job when nothing is to be written";
            return Err(SchemaError::unsupported("attributeMappings", why));
        }
        let mut flows: Vec<Flow> = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let flow = flow(wish)?;
            if flows.iter().any(|known| known.attribute.ldap_name == flow.attribute.ldap_name) {
                return Err(SchemaError::malformed(&wish.target, "is mapped twice"));
            }
            flows.push(flow);
        }
        // The order of the contract, so that the order of a document means nothing.
        flows.sort_by_key(|flow| {
            CONTRACT.iter().position(|known| known.ldap_name == flow.attribute.ldap_name)
        });
        Ok(Self { flows })
    }

    /// The flows, in the order of the contract.
    #[must_use]
    pub fn flows(&self) -> &[Flow] {
        &self.flows
    }
}

fn flow(wish: &Wish) -> Result<Flow, SchemaError> {
    let refuse = |why: String| Err(SchemaError::unsupported(&wish.target, why));
    let Some(attribute) = by_ldap_name(&wish.target) else {
        return refuse(
            "is not among the attributes that are written back: extensionAttribute1 to 15, \
             msExchExtensionCustomAttribute1 to 5, msExchRecipientDisplayType, \
             msExchRecipientTypeDetails, proxyAddresses and mail"
                .to_owned(),
        );
    };
    let expression = Expression::parse(&wish.source)
        .map_err(|why| SchemaError::unsupported(&wish.target, why))?;
    let mut unknown = None;
    let mut several = None;
    expression.references(&mut |name, takes_several| match property(name) {
        None => unknown = unknown.take().or(Some(name.to_owned())),
        Some((_, Shape::Multi)) if !takes_several => {
            several = several.take().or(Some(name.to_owned()));
        }
        Some(_) => {}
    });
    if let Some(name) = unknown {
        return refuse(format!(
            "`[{name}]` is no property that can be written back: CustomAttribute1 to 15, \
             ExtensionCustomAttribute1 to 5, EmailAddresses, Mail, RecipientTypeDetails and \
             RecipientDisplayType are"
        ));
    }
    if let Some(own) = own_property(attribute) {
        let is_own =
            matches!(&expression, Expression::Reference(name) if name.eq_ignore_ascii_case(own));
        if !is_own || wish.default.is_some() {
            return refuse(format!("takes `[{own}]` alone, without a default value"));
        }
        let source = if attribute.ldap_name == PROXY_ADDRESSES {
            FlowSource::Direct(attribute.property)
        } else {
            FlowSource::RecipientType
        };
        return Ok(Flow { attribute, source });
    }
    if takes_the_type(&expression) {
        return refuse("the recipient's type goes to its own attributes alone".to_owned());
    }
    let source = match (&expression, attribute.shape) {
        (Expression::Reference(name), Shape::Multi) if wish.default.is_none() => {
            property(name).map(|(property, _)| FlowSource::Direct(property))
        }
        (_, Shape::Multi) => {
            return refuse("is multi-valued and takes one property as it is".to_owned());
        }
        (Expression::Reference(name), Shape::Single)
            if several.is_none() && wish.default.is_none() =>
        {
            property(name).map(|(property, _)| FlowSource::Direct(property))
        }
        (_, Shape::Single) => None,
    };
    if let (None, Some(name)) = (&source, several) {
        return refuse(format!(
            "`[{name}]` is multi-valued; `Join(\";\", [{name}])` makes one text of it"
        ));
    }
    let default = wish.default.clone().filter(|text| !text.is_empty());
    let source = source.unwrap_or(FlowSource::Computed(expression, default));
    Ok(Flow { attribute, source })
}

/// Whether the recipient's type is among what an expression refers to.
fn takes_the_type(expression: &Expression) -> bool {
    let mut found = false;
    expression.references(&mut |name, _| {
        found |= property(name).is_some_and(|(property, _)| property == "RecipientTypeDetails");
    });
    found
}

/// The only property that an attribute takes; `None` for one that takes any.
fn own_property(attribute: &Attribute) -> Option<&'static str> {
    match attribute.ldap_name {
        PROXY_ADDRESSES => Some("EmailAddresses"),
        RECIPIENT_TYPE_DETAILS => Some("RecipientTypeDetails"),
        RECIPIENT_DISPLAY_TYPE => Some("RecipientDisplayType"),
        _ => None,
    }
}

/// The property of a mailbox by the name that a schema calls it, and its shape.
fn property(name: &str) -> Option<(&'static str, Shape)> {
    let found = CONTRACT.iter().find(|attribute| attribute.property.eq_ignore_ascii_case(name));
    match found {
        Some(attribute) => Some((attribute.property, attribute.shape)),
        None if name.eq_ignore_ascii_case("Mail") => Some(("WindowsEmailAddress", Shape::Single)),
        None if name.eq_ignore_ascii_case("RecipientDisplayType") => {
            Some(("RecipientTypeDetails", Shape::Single))
        }
        None => None,
    }
}

/// The property that a reference stands for; the name itself for one that [`Mapping::new`] refused.
pub(crate) fn canonical(name: &str) -> &'static str {
    property(name).map_or("", |(property, _)| property)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(target: &str, source: &str) -> Wish {
        Wish { target: target.into(), source: source.into(), default: None }
    }

    #[test]
    fn direct_and_computed_mappings_are_understood_in_the_order_of_the_contract() {
        let mapping = Mapping::new(&[
            wish("mail", "[Mail]"),
            wish("EXTENSIONATTRIBUTE2", "ToUpper([customattribute7])"),
            wish("extensionAttribute1", "[CustomAttribute9]"),
            wish("msExchExtensionCustomAttribute1", "[ExtensionCustomAttribute2]"),
        ])
        .unwrap();
        let targets: Vec<&str> =
            mapping.flows().iter().map(|flow| flow.attribute.ldap_name).collect();
        assert_eq!(
            targets,
            [
                "extensionAttribute1",
                "extensionAttribute2",
                "msExchExtensionCustomAttribute1",
                "mail"
            ]
        );
        assert_eq!(mapping.flows()[0].source, FlowSource::Direct("CustomAttribute9"));
        assert!(matches!(mapping.flows()[1].source, FlowSource::Computed(..)));
        assert_eq!(mapping.flows()[3].source, FlowSource::Direct("WindowsEmailAddress"));
    }

    #[test]
    fn what_the_job_does_not_do_is_refused_and_named() {
        let refused = |wishes: &[Wish]| Mapping::new(wishes).unwrap_err().to_string();
        assert!(refused(&[]).contains("nothing is mapped"));
        assert!(refused(&[wish("department", "[CustomAttribute1]")]).contains("department"));
        assert!(refused(&[wish("mail", "[DisplayName]")]).contains("[DisplayName]"));
        assert!(refused(&[wish("mail", "Word([Mail])")]).contains("not supported"));
        assert!(refused(&[wish("mail", "[EmailAddresses]")]).contains("Join"));
        assert!(refused(&[wish("proxyAddresses", "[CustomAttribute1]")]).contains("alone"));
        assert!(refused(&[wish("mail", "[RecipientTypeDetails]")]).contains("alone"));
        assert!(
            refused(&[wish("msExchExtensionCustomAttribute1", "ToUpper([CustomAttribute1])")])
                .contains("multi-valued")
        );
        let twice = [wish("mail", "[Mail]"), wish("MAIL", "[CustomAttribute1]")];
        assert!(refused(&twice).contains("twice"));
        let joined = Mapping::new(&[wish("mail", "Join(\";\", [EmailAddresses])")]);
        assert!(joined.is_ok(), "{joined:?}");
    }
}
