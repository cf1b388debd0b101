//! An agent's answer as it is read: a message of 4 MiB may have two million containers in it that say nothing, and each
//! would take some hundred bytes of memory. What is beyond a bound is counted, and no more.

use lapwing_proto::v1::TracedContainer;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, message, skip_field};
use prost::{DecodeError, Message};

/// Containers of one node; a kubelet has 110 pods, and some are given 500.
const CONTAINERS_MAX: usize = 4096;
/// The field of `ListContainersResponse` that they are in.
const CONTAINERS: u32 = 1;

/// The containers of a `ListContainersResponse`, as far as there is room for them.
#[derive(Debug, Default)]
pub struct Answer {
    /// Those.
    pub containers: Vec<TracedContainer>,
    /// How many more it told of.
    pub more: u64,
}

impl Message for Answer {
    /// It is only read.
    fn encode_raw(&self, _: &mut impl BufMut) {}

    fn encoded_len(&self) -> usize {
        0
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            CONTAINERS if self.containers.len() < CONTAINERS_MAX => {
                let mut one = TracedContainer::default();
                message::merge(wire_type, &mut one, buffer, context)?;
                self.containers.push(one);
                Ok(())
            }
            _ => {
                self.more += u64::from(tag == CONTAINERS);
                skip_field(wire_type, tag, buffer, context)
            }
        }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::v1::list_containers_response::Missing;
    use lapwing_proto::v1::{Container, ListContainersResponse};
    use proptest::prelude::*;

    fn traced(id: &str) -> TracedContainer {
        TracedContainer {
            container: Some(Container {
                id: id.to_owned(),
                ..Container::default()
            }),
            cgroup_path: format!("/{id}"),
            ..TracedContainer::default()
        }
    }

    #[test]
    fn it_is_read_as_the_message_that_it_is() {
        let response = ListContainersResponse {
            containers: vec![traced("a"), traced("b")],
            answered: 7,
            missing: vec![Missing::default()],
        };
        let answer = Answer::decode(response.encode_to_vec().as_slice()).unwrap();
        assert_eq!((answer.containers, answer.more), (response.containers, 0));
    }

    #[test]
    fn what_is_beyond_the_bound_is_counted() {
        // The shortest container there is: a tag and no length.
        let bomb = [0x0a, 0].repeat(1_000_000);
        let answer = Answer::decode(bomb.as_slice()).unwrap();
        assert_eq!(answer.containers.len(), CONTAINERS_MAX);
        assert_eq!(answer.more, 1_000_000 - CONTAINERS_MAX as u64);
        assert!(Answer::decode(&bomb[..9]).is_err(), "it is cut short");
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_breaks(bytes: Vec<u8>) {
            let own = Answer::decode(bytes.as_slice()).map(|answer| answer.containers);
            let whole = ListContainersResponse::decode(bytes.as_slice());
            if let (Ok(own), Ok(whole)) = (own, whole) {
                prop_assert_eq!(own, whole.containers);
            }
        }
    }
}
