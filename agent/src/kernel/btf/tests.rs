use super::*;

/// BTF of: `struct inner { ; union { int deep; } }`-like nestings, built by hand.
struct Builder {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Builder {
    fn new() -> Self {
        Self {
            types: vec![],
            strings: vec![0],
            count: 0,
        }
    }
    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        at
    }
    fn entry(&mut self, name: &str, kind: u32, vlen: u32, size: u32, data: &[u32]) -> u32 {
        let name = self.name(name);
        for word in [name, kind << 24 | vlen, size].iter().chain(data) {
            self.types.extend(word.to_le_bytes());
        }
        self.count += 1;
        self.count
    }
    fn composite(&mut self, name: &str, kind: u32, size: u32, members: &[(&str, u32, u32)]) -> u32 {
        let data: Vec<u32> = members
            .iter()
            .flat_map(|&(name, id, bits)| [self.name(name), id, bits])
            .collect();
        self.entry(name, kind, members.len() as u32, size, &data)
    }
    fn finish(self) -> Vec<u8> {
        let mut out = vec![];
        out.extend(MAGIC.to_le_bytes());
        out.extend([1, 0]);
        let types = self.types.len() as u32;
        for word in [24, 0, types, types, self.strings.len() as u32] {
            out.extend(word.to_le_bytes());
        }
        out.extend(self.types);
        out.extend(self.strings);
        out
    }
}

fn sample() -> Vec<u8> {
    let mut b = Builder::new();
    let int = b.entry("int", KIND_INT, 0, 4, &[32]);
    let union = b.composite("", KIND_UNION, 8, &[("x", int, 0), ("y", int, 32)]);
    b.composite("file", KIND_STRUCT, 32, &[("a", int, 0), ("", union, 128)]);
    b.composite("twice", KIND_STRUCT, 8, &[("m", int, 0)]);
    b.composite(
        "twice",
        KIND_STRUCT,
        16,
        &[("m", int, 64), ("only", int, 0)],
    );
    let pids = b.name("pids_cgrp_id");
    b.entry("cgroup_subsys_id", KIND_ENUM, 1, 4, &[pids, 9]);
    let [dfd, name] = ["dfd", "name"].map(|name| b.name(name));
    let proto = b.entry("", KIND_FUNC_PROTO, 2, int, &[dfd, int, name, int]);
    b.entry("do_filp_open", KIND_FUNC, 0, proto, &[]);
    b.entry("odd", KIND_FUNC, 0, int, &[]);
    b.finish()
}

#[test]
fn members_are_found_through_anonymous_ones_and_by_alias() {
    let btf = Btf::parse(sample()).expect("well formed");
    assert_eq!(btf.member_offset("file", &["a"]), Ok(0));
    assert_eq!(btf.member_offset("file", &["gone", "y"]), Ok(20));
    assert_eq!(btf.size_of("file"), Ok(32));
    assert_eq!(btf.enum_value("pids_cgrp_id"), Some(9));
    assert!(btf.has_function("do_filp_open") && !btf.has_function("do_file_open"));
}

#[test]
fn a_size_that_stands_for_none_is_none() {
    let mut b = Builder::new();
    b.composite("file", KIND_STRUCT, u32::MAX, &[]);
    let btf = Btf::parse(b.finish()).expect("well formed");
    assert!(matches!(btf.size_of("file"), Err(BtfError::Format(_))));
}

#[test]
fn parameters_are_found_by_name() {
    let btf = Btf::parse(sample()).expect("well formed");
    assert_eq!(btf.parameter("do_filp_open", "name"), Ok(1));
    assert_eq!(btf.parameters("do_filp_open").map(|all| all.len()), Ok(2));
    let error = btf
        .parameter("do_filp_open", "op")
        .expect_err("no such parameter");
    assert_eq!(
        error.to_string(),
        "the kernel's function do_filp_open has no parameter op"
    );
    for function in ["do_file_open", "odd"] {
        assert_eq!(
            btf.parameter(function, "dfd"),
            Err(BtfError::NoFunction(function.to_owned()))
        );
    }
}

#[test]
fn what_is_missing_or_ambiguous_is_said_by_name() {
    let btf = Btf::parse(sample()).expect("well formed");
    let no_member = btf
        .member_offset("file", &["b", "c"])
        .expect_err("no such member");
    assert_eq!(no_member.to_string(), "struct file has no member b or c");
    assert_eq!(
        btf.member_offset("nil", &["b"]),
        Err(BtfError::NoStruct("nil".into()))
    );
    assert!(matches!(
        btf.member_offset("twice", &["m"]),
        Err(BtfError::Ambiguous(..))
    ));
    assert_eq!(btf.member_offset("twice", &["only"]), Ok(0));
    assert!(matches!(btf.size_of("twice"), Err(BtfError::Ambiguous(..))));
}

#[test]
fn members_that_nest_in_a_circle_are_not_looked_at_for_ever() {
    let mut b = Builder::new();
    // Each of two unions has sixteen anonymous members of the other: 16 to the 16th paths.
    let members = |id| [("", id, 0); 16];
    b.composite("circle", KIND_STRUCT, 8, &members(2));
    b.composite("", KIND_UNION, 8, &members(3));
    b.composite("", KIND_UNION, 8, &members(2));
    let btf = Btf::parse(b.finish()).expect("well formed");
    assert!(matches!(
        btf.member_offset("circle", &["x", "y"]),
        Err(BtfError::NoMember(..))
    ));
}

#[test]
fn cut_or_foreign_bytes_are_errors() {
    let whole = sample();
    for len in 0..whole.len() {
        assert!(Btf::parse(whole[..len].to_vec()).is_err(), "{len} bytes");
    }
    assert!(Btf::parse(b"\x7fELF....".to_vec()).is_err());
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), flip in 0usize..400) {
        let _ = Btf::parse(bytes.clone());
        let mut whole = sample();
        let at = flip % whole.len();
        whole[at] ^= bytes.pop().unwrap_or(1);
        if let Ok(btf) = Btf::parse(whole) {
            let _ = btf.member_offset("file", &["y"]);
        }
    }
}
