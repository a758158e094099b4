//! Which attributes of the three sides are one thing: what an attribute is fed from, and what it feeds.

use sim::directory::schema::known;
use sim::entra::schema::Flow;
use sim::estate::Estate;
use sim::exchange::property;
use sim::ledger::Side;
use sim::record::AttributeNumber;

use super::Place;

/// Properties of Exchange Online that move together: the addresses and the primary one of them.
const ADDRESSES: [AttributeNumber; 2] =
    [property::EMAIL_ADDRESSES, property::WINDOWS_EMAIL_ADDRESS];
/// What follows the type of a mailbox in AD.
const OF_THE_TYPE: [AttributeNumber; 3] = [
    known::MS_EXCH_RECIPIENT_TYPE_DETAILS,
    known::MS_EXCH_RECIPIENT_DISPLAY_TYPE,
    known::MS_EXCH_REMOTE_RECIPIENT_TYPE,
];

/// The attributes of AD, each with the properties of Exchange Online that belong to it.
#[derive(Debug, Clone, Default)]
pub struct Related {
    /// By the schema of the job, where it has one of its own.
    mapped: Vec<(AttributeNumber, Vec<AttributeNumber>)>,
}

impl Related {
    /// By the job of an estate.
    #[must_use]
    pub fn of(estate: &Estate) -> Self {
        let schema = estate.entra.job.as_ref().and_then(|job| job.schema.as_ref());
        schema.map_or_else(Self::default, |schema| Self::by(&schema.flows))
    }

    /// By the attribute mappings of a schema.
    #[must_use]
    pub fn by(flows: &[Flow]) -> Self {
        let mapped = flows.iter().filter_map(|flow| {
            let properties = names_in(&flow.source).filter_map(number_of).collect();
            Some((known::number(&flow.target)?, properties))
        });
        Self { mapped: mapped.collect() }
    }

    /// The places that belong to one, itself included, and the flag that says who has authority.
    #[must_use]
    pub fn places(&self, (side, attribute): Place) -> Vec<Place> {
        let mut places = vec![(side, attribute), (Side::Exchange, property::FLAG)];
        let mut properties = match side {
            Side::Ad => self.properties_of(attribute),
            Side::Entra | Side::Exchange => vec![attribute],
        };
        if properties.iter().any(|number| ADDRESSES.contains(number)) {
            properties.extend(ADDRESSES);
        }
        for number in properties {
            places.extend([(Side::Exchange, number), (Side::Entra, number)]);
            places.extend(self.fed_by(number).into_iter().map(|number| (Side::Ad, number)));
        }
        places
    }

    fn properties_of(&self, attribute: AttributeNumber) -> Vec<AttributeNumber> {
        if OF_THE_TYPE.contains(&attribute) {
            return vec![property::RECIPIENT_TYPE_DETAILS];
        }
        let own = (0..).zip(property::PROPERTIES).filter_map(|(number, spec)| {
            (spec.ad.and_then(known::number) == Some(attribute)).then_some(number)
        });
        let mapped = self.mapped.iter().filter(|(target, _)| *target == attribute);
        own.chain(mapped.flat_map(|(_, properties)| properties.iter().copied())).collect()
    }

    fn fed_by(&self, property: AttributeNumber) -> Vec<AttributeNumber> {
        if property == property::RECIPIENT_TYPE_DETAILS {
            return OF_THE_TYPE.to_vec();
        }
        let own = property::spec(property).and_then(|spec| spec.ad).and_then(known::number);
        let mapped = self.mapped.iter().filter(|(_, from)| from.contains(&property));
        own.into_iter().chain(mapped.map(|(target, _)| *target)).collect()
    }
}

/// The names in brackets of an expression.
fn names_in(source: &str) -> impl Iterator<Item = &str> {
    source.split('[').skip(1).filter_map(|rest| rest.split_once(']').map(|(name, _)| name.trim()))
}

fn number_of(name: &str) -> Option<AttributeNumber> {
    match name {
        "Mail" => Some(property::WINDOWS_EMAIL_ADDRESS),
        "RecipientTypeDetails" | "RecipientDisplayType" => Some(property::RECIPIENT_TYPE_DETAILS),
        _ => property::number(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_belongs_to_what_feeds_it() {
        let related = Related::default();
        let in_ad = (Side::Ad, known::EXTENSION_ATTRIBUTE_1);
        let in_cloud = (Side::Exchange, property::CUSTOM_ATTRIBUTE_1);
        assert!(related.places(in_ad).contains(&in_cloud));
        assert!(related.places(in_cloud).contains(&in_ad));
        assert!(
            !related.places(in_ad).contains(&(Side::Exchange, property::CUSTOM_ATTRIBUTE_1 + 1))
        );
        let addresses = related.places((Side::Ad, known::MAIL));
        assert!(addresses.contains(&(Side::Exchange, property::EMAIL_ADDRESSES)));
    }

    #[test]
    fn a_schema_of_its_own_says_what_feeds_an_attribute() {
        let flow = Flow {
            target: "extensionAttribute1".to_owned(),
            source: "Append([CustomAttribute9], [Mail])".to_owned(),
            default: None,
        };
        let places = Related::by(&[flow]).places((Side::Ad, known::EXTENSION_ATTRIBUTE_1));
        assert!(places.contains(&(Side::Exchange, property::CUSTOM_ATTRIBUTE_1 + 8)));
        assert!(places.contains(&(Side::Exchange, property::WINDOWS_EMAIL_ADDRESS)));
    }
}
