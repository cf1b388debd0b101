//! Rules about privileges.
//!
//! Never learned is what commands another process, the kernel or the host: its
//! approval is a person's. What a sandbox of a service does of its own accord is
//! learned: namespaces made, capabilities used, rings of io_uring. To *enter* a
//! namespace leads to where somebody else is, and is not.

use super::{Class, Rule, common, never};
use crate::behaviour::{Privilege, Privileged};

pub(super) fn class(privilege: &Privilege) -> Class {
    match privilege.operation {
        Privileged::Ptrace | Privileged::ProcessVmWrite | Privileged::ProcMem => {
            forbidden(Rule::PrivilegePtrace)
        }
        Privileged::Mount | Privileged::Umount | Privileged::PivotRoot => {
            forbidden(Rule::PrivilegeMount)
        }
        Privileged::Module => forbidden(Rule::PrivilegeModule),
        Privileged::Bpf => forbidden(Rule::PrivilegeBpf),
        Privileged::Setns => forbidden(Rule::PrivilegeNamespace),
        Privileged::Unshare => common(Rule::PrivilegeNamespace),
        Privileged::IoUring => common(Rule::PrivilegeIoUring),
        Privileged::ExecMapping => forbidden(Rule::PrivilegeExecMapping),
        Privileged::Capability => common(Rule::PrivilegeCapability),
        Privileged::Escape => forbidden(Rule::PrivilegeEscape),
    }
}

const fn forbidden(rule: Rule) -> Class {
    never(rule, rule.severity())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_sandbox_does_is_learned() {
        for operation in Privileged::ALL {
            let class = class(&Privilege {
                operation: *operation,
                detail: String::new(),
            });
            let learnable = [
                Privileged::Unshare,
                Privileged::IoUring,
                Privileged::Capability,
            ];
            assert_eq!(class.learnable, learnable.contains(operation));
            assert!(class.rule.id().starts_with("privilege."));
        }
    }
}
