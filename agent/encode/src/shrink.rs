//! Cutting the texts of an item, for receivers of short records.

use crate::text::bounded;
use lapwing_proto::v1::{
    Container, Process, WatchResponse, Workload, behaviour, process::Ancestor, violation,
    watch_response::Item,
};

/// Most bytes of each text, tried in this order.
pub(crate) const LIMITS: [usize; 5] = [4096, 1024, 256, 96, 32];
/// Most elements of a list with the smallest of them.
const ELEMENTS: usize = 8;
/// Most bytes of what names something, which a part of would not.
const NAMING: usize = 160;

/// Cuts each text. What names the item (ids, rule, techniques) stays as it is.
pub(crate) fn texts(item: &mut WatchResponse, limit: usize) {
    let cut = |text: &mut String| {
        if text.len() > limit {
            *text = bounded(text, limit).into_owned();
        }
    };
    let mut each: Vec<&mut String> = Vec::new();
    match item.item.as_mut() {
        Some(Item::Violation(violation)) => {
            each.extend([
                &mut violation.cluster,
                &mut violation.node,
                &mut violation.nearest,
                &mut violation.patch,
            ]);
            placed(
                &mut each,
                violation.workload.as_mut(),
                violation.container.as_mut(),
            );
            done_by(&mut each, violation.process.as_mut(), limit);
            match violation.detail.as_mut() {
                Some(violation::Detail::Exec(one)) => {
                    each.extend([
                        &mut one.path,
                        &mut one.name,
                        &mut one.script,
                        &mut one.parent,
                        &mut one.sha256,
                    ]);
                }
                Some(violation::Detail::File(one)) => {
                    each.extend([&mut one.path, &mut one.target, &mut one.mode, &mut one.by]);
                }
                Some(violation::Detail::Egress(one)) => {
                    each.extend([&mut one.address, &mut one.domain, &mut one.service]);
                }
                Some(violation::Detail::Listen(one)) => each.push(&mut one.address),
                Some(violation::Detail::Dns(one)) => each.extend([&mut one.name, &mut one.r#type]),
                Some(violation::Detail::Privilege(one)) => each.push(&mut one.detail),
                Some(violation::Detail::Gap(one)) => each.extend([&mut one.reason, &mut one.scope]),
                Some(violation::Detail::Degraded(one)) => {
                    each.extend([&mut one.reason, &mut one.detail]);
                }
                None => {}
            }
        }
        Some(Item::Behaviour(behaviour)) => {
            each.extend([&mut behaviour.cluster, &mut behaviour.node]);
            placed(
                &mut each,
                behaviour.workload.as_mut(),
                behaviour.container.as_mut(),
            );
            done_by(&mut each, behaviour.process.as_mut(), limit);
            match behaviour.detail.as_mut() {
                Some(behaviour::Detail::Exec(one)) => {
                    each.extend([
                        &mut one.path,
                        &mut one.name,
                        &mut one.script,
                        &mut one.parent,
                        &mut one.sha256,
                    ]);
                }
                Some(behaviour::Detail::File(one)) => {
                    each.extend([&mut one.path, &mut one.target, &mut one.mode, &mut one.by]);
                }
                Some(behaviour::Detail::Egress(one)) => {
                    each.extend([&mut one.address, &mut one.domain, &mut one.service]);
                }
                Some(behaviour::Detail::Listen(one)) => each.push(&mut one.address),
                Some(behaviour::Detail::Dns(one)) => each.extend([&mut one.name, &mut one.r#type]),
                Some(behaviour::Detail::Privilege(one)) => each.push(&mut one.detail),
                None => {}
            }
        }
        Some(Item::Gap(gap)) => each.extend([
            &mut gap.reason,
            &mut gap.scope,
            &mut gap.cluster,
            &mut gap.node,
        ]),
        Some(Item::Heartbeat(_)) | None => {}
    }
    each.into_iter().for_each(cut);
}

fn placed<'i>(
    each: &mut Vec<&'i mut String>,
    workload: Option<&'i mut Workload>,
    container: Option<&'i mut Container>,
) {
    if let Some(workload) = workload {
        each.extend([
            &mut workload.namespace,
            &mut workload.kind,
            &mut workload.name,
            &mut workload.container,
        ]);
    }
    if let Some(container) = container {
        for id in [&mut container.id, &mut container.image_digest] {
            if id.len() > NAMING {
                *id = bounded(id, NAMING).into_owned();
            }
        }
        each.extend([
            &mut container.name,
            &mut container.image,
            &mut container.pod,
            &mut container.pod_uid,
            &mut container.pod_namespace,
            &mut container.runtime,
        ]);
    }
}

fn done_by<'i>(each: &mut Vec<&'i mut String>, process: Option<&'i mut Process>, limit: usize) {
    let Some(process) = process else { return };
    shorten(&mut process.args, limit);
    // The nearest say most; capabilities are few, or all.
    if limit <= LIMITS[3] {
        process.ancestors.truncate(ELEMENTS);
        process.capabilities.truncate(ELEMENTS);
    }
    each.extend([&mut process.exe, &mut process.cwd]);
    each.extend(process.ancestors.iter_mut().map(|Ancestor { exe, .. }| exe));
}

/// Arguments have a limit in all.
fn shorten(args: &mut Vec<String>, limit: usize) {
    let total: usize = args.iter().map(|arg| arg.len() + 1).sum();
    if total <= limit {
        return;
    }
    let mut room = limit;
    let fits = args
        .iter()
        .take_while(|arg| {
            let fits = arg.len() < room;
            room = room.saturating_sub(arg.len() + 1);
            fits
        })
        .count();
    let left: usize = args[..fits].iter().map(|arg| arg.len() + 1).sum();
    args.truncate(fits + 1);
    if let Some(last) = args.get_mut(fits) {
        *last = bounded(last, (limit - left).max(3)).into_owned();
    }
}
