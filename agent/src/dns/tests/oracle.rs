//! Another reader of DNS messages as the oracle: what simple-dns reads, this reads the same.

use super::super::message::Message;
use super::super::name::Name;
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use simple_dns::rdata::{A as RdataA, AAAA as RdataAaaa, CNAME as RdataCname, RData};
use simple_dns::{CLASS, Label, Name as OtherName, Packet as Other, QCLASS, QTYPE, TYPE};

type Labels = Vec<Vec<u8>>;

fn labels() -> impl Strategy<Value = Labels> {
    let label = prop_oneof![
        select(&["a", "B", "www", "Example", "com"][..]).prop_map(|text| text.as_bytes().to_vec()),
        vec(any::<u8>(), 1..6),
    ];
    vec(label, 0..4)
}

fn other_name(labels: &Labels) -> OtherName<'static> {
    let labels: Vec<_> = labels
        .iter()
        .map(|label| Label::new_unchecked(label.clone()))
        .collect();
    OtherName::new_with_labels(&labels)
}

fn name(other: &OtherName<'_>) -> Name {
    let mut name = Name::default();
    for label in other.as_bytes() {
        name.push(label).expect("a label");
    }
    name
}

/// An answer, compressed as simple-dns does it.
fn built(question: &Labels, six: bool, records: &[(Labels, u32, Option<Labels>)]) -> Vec<u8> {
    let kind = if six { TYPE::AAAA } else { TYPE::A };
    let mut packet = Other::new_reply(1);
    packet.questions.push(simple_dns::Question::new(
        other_name(question),
        QTYPE::TYPE(kind),
        QCLASS::CLASS(CLASS::IN),
        false,
    ));
    for (owner, number, alias) in records {
        let data = match alias {
            Some(alias) => RData::CNAME(RdataCname(other_name(alias))),
            None if six => RData::AAAA(RdataAaaa {
                address: 1 << 125 | u128::from(*number),
            }),
            None => RData::A(RdataA { address: *number }),
        };
        packet.answers.push(simple_dns::ResourceRecord::new(
            other_name(owner),
            CLASS::IN,
            number >> 8,
            data,
        ));
    }
    packet.build_bytes_vec_compressed().expect("a packet")
}

/// What the rules of [`Message::addresses`] make of a packet that simple-dns read.
fn expected(packet: &Other<'_>) -> Vec<(IpAddr, u32)> {
    let question = &packet.questions[0];
    let records = || {
        packet
            .answers
            .iter()
            .filter(|r| r.class == CLASS::IN && !r.cache_flush)
    };
    let ttl = |ttl: u32| if ttl >> 31 == 0 { ttl } else { 0 };
    let (mut at, mut least) = (name(&question.qname), u32::MAX);
    for _ in 0..16 {
        let alias = records().find_map(|record| match &record.rdata {
            RData::CNAME(alias) if name(&record.name) == at => Some((name(&alias.0), record.ttl)),
            _ => None,
        });
        let Some((alias, time)) = alias else { break };
        (at, least) = (alias, least.min(ttl(time)));
    }
    records()
        .filter(|record| name(&record.name) == at)
        .filter_map(|record| {
            let wanted = |kind| question.qtype == QTYPE::TYPE(kind) || question.qtype == QTYPE::ANY;
            let address: IpAddr = match &record.rdata {
                RData::A(a) if wanted(TYPE::A) => Ipv4Addr::from(a.address).into(),
                RData::AAAA(a) if wanted(TYPE::AAAA) => std::net::Ipv6Addr::from(a.address).into(),
                _ => return None,
            };
            Some((address.to_canonical(), ttl(record.ttl).min(least)))
        })
        .collect()
}

proptest! {
    #[test]
    fn what_the_other_reads_is_read_the_same(
        question in labels(),
        six in any::<bool>(),
        // Owners and aliases are few, so that chains come about.
        pool in vec(labels(), 1..4),
        records in vec((0..4usize, any::<u32>(), prop::option::of(0..4usize)), 0..8),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let pick = |index: usize| match index {
            0 => question.clone(),
            _ => pool[index % pool.len()].clone(),
        };
        let records: Vec<_> = records
            .into_iter()
            .map(|(owner, number, alias)| (pick(owner), number, alias.map(pick)))
            .collect();
        let mut bytes = built(&question, six, &records);
        let whole = damage.is_empty();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let ours = Message::read(&bytes, false);
        let Ok(other) = Other::parse(&bytes) else {
            prop_assert!(!whole, "the other does not read what it wrote");
            return Ok(());
        };
        if other.questions.len() != 1 || !other.has_flags(simple_dns::PacketFlag::RESPONSE) {
            return Ok(());
        }
        let Some(ours) = ours else {
            // Stricter in one thing: a pointer leads to before the name.
            prop_assert!(!whole, "not read: {bytes:?}");
            return Ok(());
        };
        prop_assert_eq!(ours.id, other.id());
        prop_assert_eq!(&ours.questions[0].name, &name(&other.questions[0].qname));
        prop_assert_eq!(ours.addresses(), expected(&other));
    }
}
