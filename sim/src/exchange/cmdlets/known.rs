//! The catalogue, made once and found by name: every call is checked against it.

use std::sync::LazyLock;

use super::catalogue::catalogue;
use crate::names::NameTable;
use crate::powershell::{CmdletSpec, ParameterSpec};

/// A cmdlet that is here.
pub(super) struct Known {
    /// What the catalogue says of it.
    pub(super) spec: CmdletSpec,
    parameters: NameTable,
}

impl Known {
    fn new(spec: CmdletSpec) -> Self {
        let mut parameters = NameTable::default();
        for (parameter, place) in spec.parameters.iter().zip(0..) {
            parameters.insert(parameter.name, place);
        }
        Self { spec, parameters }
    }

    /// A parameter by name, without case.
    pub(super) fn parameter(&self, name: &str) -> Option<&ParameterSpec> {
        self.spec.parameters.get(usize::from(self.parameters.get(name)?))
    }
}

/// A cmdlet by name, without case.
pub(super) fn named(name: &str) -> Option<&'static Known> {
    static CMDLETS: LazyLock<(Vec<Known>, NameTable)> = LazyLock::new(|| {
        let cmdlets: Vec<Known> = catalogue().into_iter().map(Known::new).collect();
        let mut names = NameTable::default();
        for (known, place) in cmdlets.iter().zip(0..) {
            names.insert(known.spec.name, place);
        }
        (cmdlets, names)
    });
    let (cmdlets, names) = &*CMDLETS;
    cmdlets.get(usize::from(names.get(name)?))
}
