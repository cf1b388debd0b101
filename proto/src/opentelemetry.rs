//! As much of the OpenTelemetry protocol as handing over logs needs: messages, client, server and
//! the JSON form of OTLP/HTTP.
//!
//! The files below `opentelemetry/` have the packages, names and numbers of its specification. The
//! JSON form of OTLP is that of proto3 with two exceptions, which the files avoid: enumerations are
//! numbers (so the one here is a number), and the ids of traces are hex (they are left out). What a
//! receiver adds to an answer is ignored, as the specification wants it.

/// `opentelemetry.proto`
pub mod proto {
    /// `opentelemetry.proto.common`
    pub mod common {
        /// `opentelemetry.proto.common.v1`
        pub mod v1 {
            #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]
            include!("opentelemetry/generated/opentelemetry.proto.common.v1.rs");
            include!("opentelemetry/generated/opentelemetry.proto.common.v1.serde.rs");
        }
    }
    /// `opentelemetry.proto.resource`
    pub mod resource {
        /// `opentelemetry.proto.resource.v1`
        pub mod v1 {
            #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]
            include!("opentelemetry/generated/opentelemetry.proto.resource.v1.rs");
            include!("opentelemetry/generated/opentelemetry.proto.resource.v1.serde.rs");
        }
    }
    /// `opentelemetry.proto.logs`
    pub mod logs {
        /// `opentelemetry.proto.logs.v1`
        pub mod v1 {
            #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]
            include!("opentelemetry/generated/opentelemetry.proto.logs.v1.rs");
            include!("opentelemetry/generated/opentelemetry.proto.logs.v1.serde.rs");
        }
    }
    /// `opentelemetry.proto.collector`
    pub mod collector {
        /// `opentelemetry.proto.collector.logs`
        pub mod logs {
            /// `opentelemetry.proto.collector.logs.v1`
            pub mod v1 {
                #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]
                include!("opentelemetry/generated/opentelemetry.proto.collector.logs.v1.rs");
                include!("opentelemetry/generated/opentelemetry.proto.collector.logs.v1.serde.rs");
            }
        }
    }
}
