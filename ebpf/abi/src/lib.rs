//! Both ends of the wire between the kernel programs and the agent.
#![no_std]
#![forbid(unsafe_code)]
