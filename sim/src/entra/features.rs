//! `directory/onPremisesSynchronization`: the tenant's switches for synchronization.
//!
//! Source: Microsoft Graph reference, resource types onPremisesDirectorySynchronization,
//! onPremisesDirectorySynchronizationFeature, onPremisesAccidentalDeletionPrevention.

/// The features, in the order of their names.
pub const FEATURES: [&str; 20] = [
    "allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled",
    "blockCloudObjectTakeoverThroughHardMatchEnabled",
    "blockSoftMatchEnabled",
    "bypassDirSyncOverridesEnabled",
    "cloudPasswordPolicyForPasswordSyncedUsersEnabled",
    "concurrentCredentialUpdateEnabled",
    "concurrentOrgIdProvisioningEnabled",
    "deviceWritebackEnabled",
    "directoryExtensionsEnabled",
    "fopeConflictResolutionEnabled",
    "groupWriteBackEnabled",
    "passwordSyncEnabled",
    "passwordWritebackEnabled",
    "quarantineUponProxyAddressesConflictEnabled",
    "quarantineUponUpnConflictEnabled",
    "softMatchOnUpnEnabled",
    "synchronizeUpnForManagedUsersEnabled",
    "unifiedGroupWritebackEnabled",
    "userForcePasswordChangeOnLogonEnabled",
    "userWritebackEnabled",
];

/// Features that are on in a new tenant.
const ON: [&str; 5] = [
    "passwordSyncEnabled",
    "quarantineUponProxyAddressesConflictEnabled",
    "quarantineUponUpnConflictEnabled",
    "softMatchOnUpnEnabled",
    "synchronizeUpnForManagedUsersEnabled",
];

/// What too many deletions are (`synchronizationPreventionType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prevention {
    /// Nothing is prevented.
    Disabled,
    /// As many objects.
    Count,
    /// So many of a hundred.
    Percentage,
}

impl Prevention {
    /// As Graph spells them.
    pub const ALL: [(&'static str, Self); 3] = [
        ("disabled", Self::Disabled),
        ("enabledForCount", Self::Count),
        ("enabledForPercentage", Self::Percentage),
    ];

    /// As Graph spells it.
    #[must_use]
    pub fn text(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

/// The switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncFeatures {
    on: [bool; FEATURES.len()],
    /// What is prevented.
    pub prevention: Prevention,
    /// `alertThreshold`: this many deletions are too many.
    pub threshold: u32,
}

impl Default for SyncFeatures {
    fn default() -> Self {
        Self {
            on: FEATURES.map(|name| ON.contains(&name)),
            prevention: Prevention::Count,
            threshold: 500,
        }
    }
}

impl SyncFeatures {
    /// Whether a feature is on.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        place(name).is_some_and(|place| self.on[place])
    }

    /// Switches a feature; false when there is none of this name.
    pub fn set(&mut self, name: &str, on: bool) -> bool {
        let place = place(name);
        if let Some(place) = place {
            self.on[place] = on;
        }
        place.is_some()
    }

    /// Whether one cycle may delete this many of so many objects.
    #[must_use]
    pub fn allows_deletions(&self, deletions: usize, of: usize) -> bool {
        let threshold = usize::try_from(self.threshold).unwrap_or(usize::MAX);
        match self.prevention {
            Prevention::Disabled => true,
            Prevention::Count => deletions < threshold,
            Prevention::Percentage => deletions * 100 < threshold * of.max(1),
        }
    }
}

fn place(name: &str) -> Option<usize> {
    FEATURES.iter().position(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A threshold of 500 lets 499 through (Microsoft Learn, "Accidental deletes").
    #[test]
    fn the_threshold_itself_is_too_many() {
        let mut features = SyncFeatures::default();
        assert!(features.allows_deletions(499, 1_000) && !features.allows_deletions(500, 1_000));
        (features.prevention, features.threshold) = (Prevention::Percentage, 10);
        assert!(features.allows_deletions(99, 1_000) && !features.allows_deletions(100, 1_000));
        features.prevention = Prevention::Disabled;
        assert!(features.allows_deletions(1_000, 1_000));
        assert!(
            features.set("BlockSoftMatchEnabled", true) && features.is_on("blockSoftMatchEnabled")
        );
        assert!(!features.set("nothing", true));
    }
}
