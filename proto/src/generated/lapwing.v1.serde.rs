impl serde::Serialize for AckRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.AckRequest", len)?;
        if true {
            struct_ser.serialize_field("consumer", &self.consumer)?;
        }
        if true {
            struct_ser.serialize_field("cursor", &self.cursor)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for AckRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "consumer",
            "cursor",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Consumer,
            Cursor,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "consumer" => Ok(GeneratedField::Consumer),
                            "cursor" => Ok(GeneratedField::Cursor),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = AckRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.AckRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<AckRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut consumer__ = None;
                let mut cursor__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Consumer => {
                            if consumer__.is_some() {
                                return Err(serde::de::Error::duplicate_field("consumer"));
                            }
                            consumer__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Cursor => {
                            if cursor__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cursor"));
                            }
                            cursor__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(AckRequest {
                    consumer: consumer__.unwrap_or_default(),
                    cursor: cursor__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.AckRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for AckResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.AckResponse", len)?;
        if true {
            struct_ser.serialize_field("cursor", &self.cursor)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for AckResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "cursor",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Cursor,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "cursor" => Ok(GeneratedField::Cursor),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = AckResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.AckResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<AckResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut cursor__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Cursor => {
                            if cursor__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cursor"));
                            }
                            cursor__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(AckResponse {
                    cursor: cursor__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.AckResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BehaviorProfileState {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.BehaviorProfileState", len)?;
        if true {
            struct_ser.serialize_field("namespace", &self.namespace)?;
        }
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("uid", &self.uid)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("generation", ToString::to_string(&self.generation).as_str())?;
        }
        if true {
            let v = behavior_profile_state::Verdict::try_from(self.verdict)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.verdict)))?;
            struct_ser.serialize_field("verdict", &v)?;
        }
        if true {
            struct_ser.serialize_field("reason", &self.reason)?;
        }
        if true {
            struct_ser.serialize_field("message", &self.message)?;
        }
        if true {
            struct_ser.serialize_field("instances", &self.instances)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("specDigest", pbjson::private::base64::encode(&self.spec_digest).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BehaviorProfileState {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "namespace",
            "name",
            "uid",
            "generation",
            "verdict",
            "reason",
            "message",
            "instances",
            "spec_digest",
            "specDigest",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Namespace,
            Name,
            Uid,
            Generation,
            Verdict,
            Reason,
            Message,
            Instances,
            SpecDigest,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "namespace" => Ok(GeneratedField::Namespace),
                            "name" => Ok(GeneratedField::Name),
                            "uid" => Ok(GeneratedField::Uid),
                            "generation" => Ok(GeneratedField::Generation),
                            "verdict" => Ok(GeneratedField::Verdict),
                            "reason" => Ok(GeneratedField::Reason),
                            "message" => Ok(GeneratedField::Message),
                            "instances" => Ok(GeneratedField::Instances),
                            "specDigest" | "spec_digest" => Ok(GeneratedField::SpecDigest),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BehaviorProfileState;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.BehaviorProfileState")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BehaviorProfileState, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut namespace__ = None;
                let mut name__ = None;
                let mut uid__ = None;
                let mut generation__ = None;
                let mut verdict__ = None;
                let mut reason__ = None;
                let mut message__ = None;
                let mut instances__ = None;
                let mut spec_digest__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Namespace => {
                            if namespace__.is_some() {
                                return Err(serde::de::Error::duplicate_field("namespace"));
                            }
                            namespace__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Uid => {
                            if uid__.is_some() {
                                return Err(serde::de::Error::duplicate_field("uid"));
                            }
                            uid__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Generation => {
                            if generation__.is_some() {
                                return Err(serde::de::Error::duplicate_field("generation"));
                            }
                            generation__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Verdict => {
                            if verdict__.is_some() {
                                return Err(serde::de::Error::duplicate_field("verdict"));
                            }
                            verdict__ = Some(map_.next_value::<behavior_profile_state::Verdict>()? as i32);
                        }
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Message => {
                            if message__.is_some() {
                                return Err(serde::de::Error::duplicate_field("message"));
                            }
                            message__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Instances => {
                            if instances__.is_some() {
                                return Err(serde::de::Error::duplicate_field("instances"));
                            }
                            instances__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::SpecDigest => {
                            if spec_digest__.is_some() {
                                return Err(serde::de::Error::duplicate_field("specDigest"));
                            }
                            spec_digest__ = 
                                Some(map_.next_value::<::pbjson::private::BytesDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(BehaviorProfileState {
                    namespace: namespace__.unwrap_or_default(),
                    name: name__.unwrap_or_default(),
                    uid: uid__.unwrap_or_default(),
                    generation: generation__.unwrap_or_default(),
                    verdict: verdict__.unwrap_or_default(),
                    reason: reason__.unwrap_or_default(),
                    message: message__.unwrap_or_default(),
                    instances: instances__.unwrap_or_default(),
                    spec_digest: spec_digest__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.BehaviorProfileState", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for behavior_profile_state::Verdict {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "VERDICT_UNSPECIFIED",
            Self::InForce => "IN_FORCE",
            Self::Refused => "REFUSED",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for behavior_profile_state::Verdict {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "VERDICT_UNSPECIFIED",
            "IN_FORCE",
            "REFUSED",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = behavior_profile_state::Verdict;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "VERDICT_UNSPECIFIED" => Ok(behavior_profile_state::Verdict::Unspecified),
                    "IN_FORCE" => Ok(behavior_profile_state::Verdict::InForce),
                    "REFUSED" => Ok(behavior_profile_state::Verdict::Refused),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for Behaviour {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if self.detail.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Behaviour", len)?;
        if let Some(v) = self.time.as_ref() {
            struct_ser.serialize_field("time", v)?;
        }
        if true {
            struct_ser.serialize_field("cluster", &self.cluster)?;
        }
        if true {
            struct_ser.serialize_field("node", &self.node)?;
        }
        if true {
            let v = behaviour::Outcome::try_from(self.outcome)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.outcome)))?;
            struct_ser.serialize_field("outcome", &v)?;
        }
        if true {
            let v = Mode::try_from(self.mode)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.mode)))?;
            struct_ser.serialize_field("mode", &v)?;
        }
        if let Some(v) = self.workload.as_ref() {
            struct_ser.serialize_field("workload", v)?;
        }
        if let Some(v) = self.container.as_ref() {
            struct_ser.serialize_field("container", v)?;
        }
        if let Some(v) = self.process.as_ref() {
            struct_ser.serialize_field("process", v)?;
        }
        if let Some(v) = self.detail.as_ref() {
            match v {
                behaviour::Detail::Exec(v) => {
                    struct_ser.serialize_field("exec", v)?;
                }
                behaviour::Detail::File(v) => {
                    struct_ser.serialize_field("file", v)?;
                }
                behaviour::Detail::Egress(v) => {
                    struct_ser.serialize_field("egress", v)?;
                }
                behaviour::Detail::Listen(v) => {
                    struct_ser.serialize_field("listen", v)?;
                }
                behaviour::Detail::Dns(v) => {
                    struct_ser.serialize_field("dns", v)?;
                }
                behaviour::Detail::Privilege(v) => {
                    struct_ser.serialize_field("privilege", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Behaviour {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "time",
            "cluster",
            "node",
            "outcome",
            "mode",
            "workload",
            "container",
            "process",
            "exec",
            "file",
            "egress",
            "listen",
            "dns",
            "privilege",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Time,
            Cluster,
            Node,
            Outcome,
            Mode,
            Workload,
            Container,
            Process,
            Exec,
            File,
            Egress,
            Listen,
            Dns,
            Privilege,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "time" => Ok(GeneratedField::Time),
                            "cluster" => Ok(GeneratedField::Cluster),
                            "node" => Ok(GeneratedField::Node),
                            "outcome" => Ok(GeneratedField::Outcome),
                            "mode" => Ok(GeneratedField::Mode),
                            "workload" => Ok(GeneratedField::Workload),
                            "container" => Ok(GeneratedField::Container),
                            "process" => Ok(GeneratedField::Process),
                            "exec" => Ok(GeneratedField::Exec),
                            "file" => Ok(GeneratedField::File),
                            "egress" => Ok(GeneratedField::Egress),
                            "listen" => Ok(GeneratedField::Listen),
                            "dns" => Ok(GeneratedField::Dns),
                            "privilege" => Ok(GeneratedField::Privilege),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Behaviour;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Behaviour")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Behaviour, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut time__ = None;
                let mut cluster__ = None;
                let mut node__ = None;
                let mut outcome__ = None;
                let mut mode__ = None;
                let mut workload__ = None;
                let mut container__ = None;
                let mut process__ = None;
                let mut detail__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Time => {
                            if time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("time"));
                            }
                            time__ = map_.next_value()?;
                        }
                        GeneratedField::Cluster => {
                            if cluster__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cluster"));
                            }
                            cluster__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Outcome => {
                            if outcome__.is_some() {
                                return Err(serde::de::Error::duplicate_field("outcome"));
                            }
                            outcome__ = Some(map_.next_value::<behaviour::Outcome>()? as i32);
                        }
                        GeneratedField::Mode => {
                            if mode__.is_some() {
                                return Err(serde::de::Error::duplicate_field("mode"));
                            }
                            mode__ = Some(map_.next_value::<Mode>()? as i32);
                        }
                        GeneratedField::Workload => {
                            if workload__.is_some() {
                                return Err(serde::de::Error::duplicate_field("workload"));
                            }
                            workload__ = map_.next_value()?;
                        }
                        GeneratedField::Container => {
                            if container__.is_some() {
                                return Err(serde::de::Error::duplicate_field("container"));
                            }
                            container__ = map_.next_value()?;
                        }
                        GeneratedField::Process => {
                            if process__.is_some() {
                                return Err(serde::de::Error::duplicate_field("process"));
                            }
                            process__ = map_.next_value()?;
                        }
                        GeneratedField::Exec => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("exec"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(behaviour::Detail::Exec)
;
                        }
                        GeneratedField::File => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("file"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(behaviour::Detail::File)
;
                        }
                        GeneratedField::Egress => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("egress"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(behaviour::Detail::Egress)
;
                        }
                        GeneratedField::Listen => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("listen"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(behaviour::Detail::Listen)
;
                        }
                        GeneratedField::Dns => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("dns"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(behaviour::Detail::Dns)
;
                        }
                        GeneratedField::Privilege => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("privilege"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(behaviour::Detail::Privilege)
;
                        }
                    }
                }
                Ok(Behaviour {
                    time: time__,
                    cluster: cluster__.unwrap_or_default(),
                    node: node__.unwrap_or_default(),
                    outcome: outcome__.unwrap_or_default(),
                    mode: mode__.unwrap_or_default(),
                    workload: workload__,
                    container: container__,
                    process: process__,
                    detail: detail__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Behaviour", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for behaviour::Outcome {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "OUTCOME_UNSPECIFIED",
            Self::Known => "KNOWN",
            Self::Learned => "LEARNED",
            Self::Deviation => "DEVIATION",
            Self::RefusedFull => "REFUSED_FULL",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for behaviour::Outcome {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "OUTCOME_UNSPECIFIED",
            "KNOWN",
            "LEARNED",
            "DEVIATION",
            "REFUSED_FULL",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = behaviour::Outcome;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "OUTCOME_UNSPECIFIED" => Ok(behaviour::Outcome::Unspecified),
                    "KNOWN" => Ok(behaviour::Outcome::Known),
                    "LEARNED" => Ok(behaviour::Outcome::Learned),
                    "DEVIATION" => Ok(behaviour::Outcome::Deviation),
                    "REFUSED_FULL" => Ok(behaviour::Outcome::RefusedFull),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for Container {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Container", len)?;
        if true {
            struct_ser.serialize_field("id", &self.id)?;
        }
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("image", &self.image)?;
        }
        if true {
            struct_ser.serialize_field("pod", &self.pod)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("cgroupId", ToString::to_string(&self.cgroup_id).as_str())?;
        }
        if true {
            struct_ser.serialize_field("runtime", &self.runtime)?;
        }
        if true {
            struct_ser.serialize_field("imageDigest", &self.image_digest)?;
        }
        if true {
            struct_ser.serialize_field("podUid", &self.pod_uid)?;
        }
        if true {
            struct_ser.serialize_field("podNamespace", &self.pod_namespace)?;
        }
        if true {
            let v = container::Kind::try_from(self.kind)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.kind)))?;
            struct_ser.serialize_field("kind", &v)?;
        }
        if true {
            let v = container::OwnerEvidence::try_from(self.owner_evidence)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.owner_evidence)))?;
            struct_ser.serialize_field("ownerEvidence", &v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Container {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "id",
            "name",
            "image",
            "pod",
            "cgroup_id",
            "cgroupId",
            "runtime",
            "image_digest",
            "imageDigest",
            "pod_uid",
            "podUid",
            "pod_namespace",
            "podNamespace",
            "kind",
            "owner_evidence",
            "ownerEvidence",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Id,
            Name,
            Image,
            Pod,
            CgroupId,
            Runtime,
            ImageDigest,
            PodUid,
            PodNamespace,
            Kind,
            OwnerEvidence,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "id" => Ok(GeneratedField::Id),
                            "name" => Ok(GeneratedField::Name),
                            "image" => Ok(GeneratedField::Image),
                            "pod" => Ok(GeneratedField::Pod),
                            "cgroupId" | "cgroup_id" => Ok(GeneratedField::CgroupId),
                            "runtime" => Ok(GeneratedField::Runtime),
                            "imageDigest" | "image_digest" => Ok(GeneratedField::ImageDigest),
                            "podUid" | "pod_uid" => Ok(GeneratedField::PodUid),
                            "podNamespace" | "pod_namespace" => Ok(GeneratedField::PodNamespace),
                            "kind" => Ok(GeneratedField::Kind),
                            "ownerEvidence" | "owner_evidence" => Ok(GeneratedField::OwnerEvidence),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Container;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Container")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Container, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut id__ = None;
                let mut name__ = None;
                let mut image__ = None;
                let mut pod__ = None;
                let mut cgroup_id__ = None;
                let mut runtime__ = None;
                let mut image_digest__ = None;
                let mut pod_uid__ = None;
                let mut pod_namespace__ = None;
                let mut kind__ = None;
                let mut owner_evidence__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Id => {
                            if id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("id"));
                            }
                            id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Image => {
                            if image__.is_some() {
                                return Err(serde::de::Error::duplicate_field("image"));
                            }
                            image__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Pod => {
                            if pod__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pod"));
                            }
                            pod__ = Some(map_.next_value()?);
                        }
                        GeneratedField::CgroupId => {
                            if cgroup_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cgroupId"));
                            }
                            cgroup_id__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Runtime => {
                            if runtime__.is_some() {
                                return Err(serde::de::Error::duplicate_field("runtime"));
                            }
                            runtime__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ImageDigest => {
                            if image_digest__.is_some() {
                                return Err(serde::de::Error::duplicate_field("imageDigest"));
                            }
                            image_digest__ = Some(map_.next_value()?);
                        }
                        GeneratedField::PodUid => {
                            if pod_uid__.is_some() {
                                return Err(serde::de::Error::duplicate_field("podUid"));
                            }
                            pod_uid__ = Some(map_.next_value()?);
                        }
                        GeneratedField::PodNamespace => {
                            if pod_namespace__.is_some() {
                                return Err(serde::de::Error::duplicate_field("podNamespace"));
                            }
                            pod_namespace__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Kind => {
                            if kind__.is_some() {
                                return Err(serde::de::Error::duplicate_field("kind"));
                            }
                            kind__ = Some(map_.next_value::<container::Kind>()? as i32);
                        }
                        GeneratedField::OwnerEvidence => {
                            if owner_evidence__.is_some() {
                                return Err(serde::de::Error::duplicate_field("ownerEvidence"));
                            }
                            owner_evidence__ = Some(map_.next_value::<container::OwnerEvidence>()? as i32);
                        }
                    }
                }
                Ok(Container {
                    id: id__.unwrap_or_default(),
                    name: name__.unwrap_or_default(),
                    image: image__.unwrap_or_default(),
                    pod: pod__.unwrap_or_default(),
                    cgroup_id: cgroup_id__.unwrap_or_default(),
                    runtime: runtime__.unwrap_or_default(),
                    image_digest: image_digest__.unwrap_or_default(),
                    pod_uid: pod_uid__.unwrap_or_default(),
                    pod_namespace: pod_namespace__.unwrap_or_default(),
                    kind: kind__.unwrap_or_default(),
                    owner_evidence: owner_evidence__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Container", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for container::Kind {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "KIND_UNSPECIFIED",
            Self::Main => "MAIN",
            Self::Init => "INIT",
            Self::Sidecar => "SIDECAR",
            Self::Ephemeral => "EPHEMERAL",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for container::Kind {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "KIND_UNSPECIFIED",
            "MAIN",
            "INIT",
            "SIDECAR",
            "EPHEMERAL",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = container::Kind;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "KIND_UNSPECIFIED" => Ok(container::Kind::Unspecified),
                    "MAIN" => Ok(container::Kind::Main),
                    "INIT" => Ok(container::Kind::Init),
                    "SIDECAR" => Ok(container::Kind::Sidecar),
                    "EPHEMERAL" => Ok(container::Kind::Ephemeral),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for container::OwnerEvidence {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "OWNER_EVIDENCE_UNSPECIFIED",
            Self::Verified => "VERIFIED",
            Self::Unverified => "UNVERIFIED",
            Self::Refuted => "REFUTED",
            Self::Unowned => "UNOWNED",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for container::OwnerEvidence {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "OWNER_EVIDENCE_UNSPECIFIED",
            "VERIFIED",
            "UNVERIFIED",
            "REFUTED",
            "UNOWNED",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = container::OwnerEvidence;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "OWNER_EVIDENCE_UNSPECIFIED" => Ok(container::OwnerEvidence::Unspecified),
                    "VERIFIED" => Ok(container::OwnerEvidence::Verified),
                    "UNVERIFIED" => Ok(container::OwnerEvidence::Unverified),
                    "REFUTED" => Ok(container::OwnerEvidence::Refuted),
                    "UNOWNED" => Ok(container::OwnerEvidence::Unowned),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for Coverage {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Coverage", len)?;
        if true {
            struct_ser.serialize_field("kind", &self.kind)?;
        }
        if true {
            struct_ser.serialize_field("startup", &self.startup)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("samples", ToString::to_string(&self.samples).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("behaviours", ToString::to_string(&self.behaviours).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("incidences", ToString::to_string(&self.incidences).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("once", ToString::to_string(&self.once).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("twice", ToString::to_string(&self.twice).as_str())?;
        }
        if let Some(v) = self.coverage.as_ref() {
            struct_ser.serialize_field("coverage", v)?;
        }
        if true {
            struct_ser.serialize_field("covered", &self.covered)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Coverage {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "kind",
            "startup",
            "samples",
            "behaviours",
            "incidences",
            "once",
            "twice",
            "coverage",
            "covered",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Kind,
            Startup,
            Samples,
            Behaviours,
            Incidences,
            Once,
            Twice,
            Coverage,
            Covered,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "kind" => Ok(GeneratedField::Kind),
                            "startup" => Ok(GeneratedField::Startup),
                            "samples" => Ok(GeneratedField::Samples),
                            "behaviours" => Ok(GeneratedField::Behaviours),
                            "incidences" => Ok(GeneratedField::Incidences),
                            "once" => Ok(GeneratedField::Once),
                            "twice" => Ok(GeneratedField::Twice),
                            "coverage" => Ok(GeneratedField::Coverage),
                            "covered" => Ok(GeneratedField::Covered),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Coverage;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Coverage")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Coverage, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut kind__ = None;
                let mut startup__ = None;
                let mut samples__ = None;
                let mut behaviours__ = None;
                let mut incidences__ = None;
                let mut once__ = None;
                let mut twice__ = None;
                let mut coverage__ = None;
                let mut covered__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Kind => {
                            if kind__.is_some() {
                                return Err(serde::de::Error::duplicate_field("kind"));
                            }
                            kind__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Startup => {
                            if startup__.is_some() {
                                return Err(serde::de::Error::duplicate_field("startup"));
                            }
                            startup__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Samples => {
                            if samples__.is_some() {
                                return Err(serde::de::Error::duplicate_field("samples"));
                            }
                            samples__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Behaviours => {
                            if behaviours__.is_some() {
                                return Err(serde::de::Error::duplicate_field("behaviours"));
                            }
                            behaviours__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Incidences => {
                            if incidences__.is_some() {
                                return Err(serde::de::Error::duplicate_field("incidences"));
                            }
                            incidences__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Once => {
                            if once__.is_some() {
                                return Err(serde::de::Error::duplicate_field("once"));
                            }
                            once__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Twice => {
                            if twice__.is_some() {
                                return Err(serde::de::Error::duplicate_field("twice"));
                            }
                            twice__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Coverage => {
                            if coverage__.is_some() {
                                return Err(serde::de::Error::duplicate_field("coverage"));
                            }
                            coverage__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                        GeneratedField::Covered => {
                            if covered__.is_some() {
                                return Err(serde::de::Error::duplicate_field("covered"));
                            }
                            covered__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Coverage {
                    kind: kind__.unwrap_or_default(),
                    startup: startup__.unwrap_or_default(),
                    samples: samples__.unwrap_or_default(),
                    behaviours: behaviours__.unwrap_or_default(),
                    incidences: incidences__.unwrap_or_default(),
                    once: once__.unwrap_or_default(),
                    twice: twice__.unwrap_or_default(),
                    coverage: coverage__,
                    covered: covered__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Coverage", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for DecideEntriesRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.DecideEntriesRequest", len)?;
        if true {
            let v = decide_entries_request::Verdict::try_from(self.verdict)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.verdict)))?;
            struct_ser.serialize_field("verdict", &v)?;
        }
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("entries", &self.entries)?;
        }
        if let Some(v) = self.decider.as_ref() {
            struct_ser.serialize_field("decider", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for DecideEntriesRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "verdict",
            "name",
            "entries",
            "decider",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Verdict,
            Name,
            Entries,
            Decider,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "verdict" => Ok(GeneratedField::Verdict),
                            "name" => Ok(GeneratedField::Name),
                            "entries" => Ok(GeneratedField::Entries),
                            "decider" => Ok(GeneratedField::Decider),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = DecideEntriesRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.DecideEntriesRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<DecideEntriesRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut verdict__ = None;
                let mut name__ = None;
                let mut entries__ = None;
                let mut decider__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Verdict => {
                            if verdict__.is_some() {
                                return Err(serde::de::Error::duplicate_field("verdict"));
                            }
                            verdict__ = Some(map_.next_value::<decide_entries_request::Verdict>()? as i32);
                        }
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Entries => {
                            if entries__.is_some() {
                                return Err(serde::de::Error::duplicate_field("entries"));
                            }
                            entries__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Decider => {
                            if decider__.is_some() {
                                return Err(serde::de::Error::duplicate_field("decider"));
                            }
                            decider__ = map_.next_value()?;
                        }
                    }
                }
                Ok(DecideEntriesRequest {
                    verdict: verdict__.unwrap_or_default(),
                    name: name__.unwrap_or_default(),
                    entries: entries__.unwrap_or_default(),
                    decider: decider__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.DecideEntriesRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for decide_entries_request::Verdict {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "VERDICT_UNSPECIFIED",
            Self::Approve => "APPROVE",
            Self::Refuse => "REFUSE",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for decide_entries_request::Verdict {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "VERDICT_UNSPECIFIED",
            "APPROVE",
            "REFUSE",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = decide_entries_request::Verdict;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "VERDICT_UNSPECIFIED" => Ok(decide_entries_request::Verdict::Unspecified),
                    "APPROVE" => Ok(decide_entries_request::Verdict::Approve),
                    "REFUSE" => Ok(decide_entries_request::Verdict::Refuse),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for DecideEntriesResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.DecideEntriesResponse", len)?;
        if true {
            struct_ser.serialize_field("entries", &self.entries)?;
        }
        if true {
            struct_ser.serialize_field("profiles", &self.profiles)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for DecideEntriesResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "entries",
            "profiles",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Entries,
            Profiles,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "entries" => Ok(GeneratedField::Entries),
                            "profiles" => Ok(GeneratedField::Profiles),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = DecideEntriesResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.DecideEntriesResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<DecideEntriesResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut entries__ = None;
                let mut profiles__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Entries => {
                            if entries__.is_some() {
                                return Err(serde::de::Error::duplicate_field("entries"));
                            }
                            entries__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Profiles => {
                            if profiles__.is_some() {
                                return Err(serde::de::Error::duplicate_field("profiles"));
                            }
                            profiles__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(DecideEntriesResponse {
                    entries: entries__.unwrap_or_default(),
                    profiles: profiles__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.DecideEntriesResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Decider {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Decider", len)?;
        if true {
            struct_ser.serialize_field("actor", &self.actor)?;
        }
        if true {
            struct_ser.serialize_field("reason", &self.reason)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Decider {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "actor",
            "reason",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Actor,
            Reason,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "actor" => Ok(GeneratedField::Actor),
                            "reason" => Ok(GeneratedField::Reason),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Decider;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Decider")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Decider, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut actor__ = None;
                let mut reason__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Actor => {
                            if actor__.is_some() {
                                return Err(serde::de::Error::duplicate_field("actor"));
                            }
                            actor__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Decider {
                    actor: actor__.unwrap_or_default(),
                    reason: reason__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Decider", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Degraded {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Degraded", len)?;
        if true {
            struct_ser.serialize_field("reason", &self.reason)?;
        }
        if true {
            struct_ser.serialize_field("detail", &self.detail)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Degraded {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "reason",
            "detail",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Reason,
            Detail,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "reason" => Ok(GeneratedField::Reason),
                            "detail" => Ok(GeneratedField::Detail),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Degraded;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Degraded")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Degraded, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut reason__ = None;
                let mut detail__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Detail => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("detail"));
                            }
                            detail__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Degraded {
                    reason: reason__.unwrap_or_default(),
                    detail: detail__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Degraded", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for DemoteProfileRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.DemoteProfileRequest", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if let Some(v) = self.decider.as_ref() {
            struct_ser.serialize_field("decider", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for DemoteProfileRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "decider",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Decider,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "decider" => Ok(GeneratedField::Decider),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = DemoteProfileRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.DemoteProfileRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<DemoteProfileRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut decider__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Decider => {
                            if decider__.is_some() {
                                return Err(serde::de::Error::duplicate_field("decider"));
                            }
                            decider__ = map_.next_value()?;
                        }
                    }
                }
                Ok(DemoteProfileRequest {
                    name: name__.unwrap_or_default(),
                    decider: decider__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.DemoteProfileRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for DemoteProfileResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.DemoteProfileResponse", len)?;
        if let Some(v) = self.summary.as_ref() {
            struct_ser.serialize_field("summary", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for DemoteProfileResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "summary",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Summary,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "summary" => Ok(GeneratedField::Summary),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = DemoteProfileResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.DemoteProfileResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<DemoteProfileResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut summary__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Summary => {
                            if summary__.is_some() {
                                return Err(serde::de::Error::duplicate_field("summary"));
                            }
                            summary__ = map_.next_value()?;
                        }
                    }
                }
                Ok(DemoteProfileResponse {
                    summary: summary__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.DemoteProfileResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Dns {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Dns", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("type", &self.r#type)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Dns {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "type",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Type,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "type" => Ok(GeneratedField::Type),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Dns;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Dns")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Dns, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut r#type__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Type => {
                            if r#type__.is_some() {
                                return Err(serde::de::Error::duplicate_field("type"));
                            }
                            r#type__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Dns {
                    name: name__.unwrap_or_default(),
                    r#type: r#type__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Dns", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Egress {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Egress", len)?;
        if true {
            let v = egress::Protocol::try_from(self.protocol)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.protocol)))?;
            struct_ser.serialize_field("protocol", &v)?;
        }
        if true {
            struct_ser.serialize_field("address", &self.address)?;
        }
        if true {
            struct_ser.serialize_field("port", &self.port)?;
        }
        if true {
            struct_ser.serialize_field("domain", &self.domain)?;
        }
        if true {
            struct_ser.serialize_field("service", &self.service)?;
        }
        if true {
            struct_ser.serialize_field("number", &self.number)?;
        }
        if true {
            let v = egress::Socket::try_from(self.socket)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.socket)))?;
            struct_ser.serialize_field("socket", &v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Egress {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "protocol",
            "address",
            "port",
            "domain",
            "service",
            "number",
            "socket",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Protocol,
            Address,
            Port,
            Domain,
            Service,
            Number,
            Socket,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "protocol" => Ok(GeneratedField::Protocol),
                            "address" => Ok(GeneratedField::Address),
                            "port" => Ok(GeneratedField::Port),
                            "domain" => Ok(GeneratedField::Domain),
                            "service" => Ok(GeneratedField::Service),
                            "number" => Ok(GeneratedField::Number),
                            "socket" => Ok(GeneratedField::Socket),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Egress;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Egress")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Egress, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut protocol__ = None;
                let mut address__ = None;
                let mut port__ = None;
                let mut domain__ = None;
                let mut service__ = None;
                let mut number__ = None;
                let mut socket__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Protocol => {
                            if protocol__.is_some() {
                                return Err(serde::de::Error::duplicate_field("protocol"));
                            }
                            protocol__ = Some(map_.next_value::<egress::Protocol>()? as i32);
                        }
                        GeneratedField::Address => {
                            if address__.is_some() {
                                return Err(serde::de::Error::duplicate_field("address"));
                            }
                            address__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Port => {
                            if port__.is_some() {
                                return Err(serde::de::Error::duplicate_field("port"));
                            }
                            port__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Domain => {
                            if domain__.is_some() {
                                return Err(serde::de::Error::duplicate_field("domain"));
                            }
                            domain__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Service => {
                            if service__.is_some() {
                                return Err(serde::de::Error::duplicate_field("service"));
                            }
                            service__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Number => {
                            if number__.is_some() {
                                return Err(serde::de::Error::duplicate_field("number"));
                            }
                            number__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Socket => {
                            if socket__.is_some() {
                                return Err(serde::de::Error::duplicate_field("socket"));
                            }
                            socket__ = Some(map_.next_value::<egress::Socket>()? as i32);
                        }
                    }
                }
                Ok(Egress {
                    protocol: protocol__.unwrap_or_default(),
                    address: address__.unwrap_or_default(),
                    port: port__.unwrap_or_default(),
                    domain: domain__.unwrap_or_default(),
                    service: service__.unwrap_or_default(),
                    number: number__.unwrap_or_default(),
                    socket: socket__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Egress", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for egress::Protocol {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "PROTOCOL_UNSPECIFIED",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
            Self::Other => "OTHER",
            Self::Icmp => "ICMP",
            Self::Icmpv6 => "ICMPV6",
            Self::Unix => "UNIX",
            Self::Packet => "PACKET",
            Self::Vsock => "VSOCK",
            Self::Xdp => "XDP",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for egress::Protocol {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "PROTOCOL_UNSPECIFIED",
            "TCP",
            "UDP",
            "SCTP",
            "OTHER",
            "ICMP",
            "ICMPV6",
            "UNIX",
            "PACKET",
            "VSOCK",
            "XDP",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = egress::Protocol;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "PROTOCOL_UNSPECIFIED" => Ok(egress::Protocol::Unspecified),
                    "TCP" => Ok(egress::Protocol::Tcp),
                    "UDP" => Ok(egress::Protocol::Udp),
                    "SCTP" => Ok(egress::Protocol::Sctp),
                    "OTHER" => Ok(egress::Protocol::Other),
                    "ICMP" => Ok(egress::Protocol::Icmp),
                    "ICMPV6" => Ok(egress::Protocol::Icmpv6),
                    "UNIX" => Ok(egress::Protocol::Unix),
                    "PACKET" => Ok(egress::Protocol::Packet),
                    "VSOCK" => Ok(egress::Protocol::Vsock),
                    "XDP" => Ok(egress::Protocol::Xdp),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for egress::Socket {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::None => "NONE",
            Self::Stream => "STREAM",
            Self::Dgram => "DGRAM",
            Self::Raw => "RAW",
            Self::Rdm => "RDM",
            Self::Seqpacket => "SEQPACKET",
            Self::Unknown => "UNKNOWN",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for egress::Socket {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "NONE",
            "STREAM",
            "DGRAM",
            "RAW",
            "RDM",
            "SEQPACKET",
            "UNKNOWN",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = egress::Socket;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "NONE" => Ok(egress::Socket::None),
                    "STREAM" => Ok(egress::Socket::Stream),
                    "DGRAM" => Ok(egress::Socket::Dgram),
                    "RAW" => Ok(egress::Socket::Raw),
                    "RDM" => Ok(egress::Socket::Rdm),
                    "SEQPACKET" => Ok(egress::Socket::Seqpacket),
                    "UNKNOWN" => Ok(egress::Socket::Unknown),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for Exec {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Exec", len)?;
        if true {
            struct_ser.serialize_field("path", &self.path)?;
        }
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("script", &self.script)?;
        }
        if true {
            let v = exec::Origin::try_from(self.origin)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.origin)))?;
            struct_ser.serialize_field("origin", &v)?;
        }
        if true {
            struct_ser.serialize_field("parent", &self.parent)?;
        }
        if true {
            struct_ser.serialize_field("sha256", &self.sha256)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Exec {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "path",
            "name",
            "script",
            "origin",
            "parent",
            "sha256",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Path,
            Name,
            Script,
            Origin,
            Parent,
            Sha256,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "path" => Ok(GeneratedField::Path),
                            "name" => Ok(GeneratedField::Name),
                            "script" => Ok(GeneratedField::Script),
                            "origin" => Ok(GeneratedField::Origin),
                            "parent" => Ok(GeneratedField::Parent),
                            "sha256" => Ok(GeneratedField::Sha256),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Exec;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Exec")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Exec, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut path__ = None;
                let mut name__ = None;
                let mut script__ = None;
                let mut origin__ = None;
                let mut parent__ = None;
                let mut sha256__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Path => {
                            if path__.is_some() {
                                return Err(serde::de::Error::duplicate_field("path"));
                            }
                            path__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Script => {
                            if script__.is_some() {
                                return Err(serde::de::Error::duplicate_field("script"));
                            }
                            script__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Origin => {
                            if origin__.is_some() {
                                return Err(serde::de::Error::duplicate_field("origin"));
                            }
                            origin__ = Some(map_.next_value::<exec::Origin>()? as i32);
                        }
                        GeneratedField::Parent => {
                            if parent__.is_some() {
                                return Err(serde::de::Error::duplicate_field("parent"));
                            }
                            parent__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Sha256 => {
                            if sha256__.is_some() {
                                return Err(serde::de::Error::duplicate_field("sha256"));
                            }
                            sha256__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Exec {
                    path: path__.unwrap_or_default(),
                    name: name__.unwrap_or_default(),
                    script: script__.unwrap_or_default(),
                    origin: origin__.unwrap_or_default(),
                    parent: parent__.unwrap_or_default(),
                    sha256: sha256__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Exec", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for exec::Origin {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "ORIGIN_UNSPECIFIED",
            Self::Image => "IMAGE",
            Self::UpperLayer => "UPPER_LAYER",
            Self::Volume => "VOLUME",
            Self::Memfd => "MEMFD",
            Self::Unlinked => "UNLINKED",
            Self::Unknown => "UNKNOWN",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for exec::Origin {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "ORIGIN_UNSPECIFIED",
            "IMAGE",
            "UPPER_LAYER",
            "VOLUME",
            "MEMFD",
            "UNLINKED",
            "UNKNOWN",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = exec::Origin;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "ORIGIN_UNSPECIFIED" => Ok(exec::Origin::Unspecified),
                    "IMAGE" => Ok(exec::Origin::Image),
                    "UPPER_LAYER" => Ok(exec::Origin::UpperLayer),
                    "VOLUME" => Ok(exec::Origin::Volume),
                    "MEMFD" => Ok(exec::Origin::Memfd),
                    "UNLINKED" => Ok(exec::Origin::Unlinked),
                    "UNKNOWN" => Ok(exec::Origin::Unknown),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for File {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.File", len)?;
        if true {
            let v = file::Operation::try_from(self.operation)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.operation)))?;
            struct_ser.serialize_field("operation", &v)?;
        }
        if true {
            struct_ser.serialize_field("path", &self.path)?;
        }
        if true {
            struct_ser.serialize_field("target", &self.target)?;
        }
        if true {
            let v = file::Mount::try_from(self.mount)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.mount)))?;
            struct_ser.serialize_field("mount", &v)?;
        }
        if true {
            struct_ser.serialize_field("pathFromCaller", &self.path_from_caller)?;
        }
        if true {
            struct_ser.serialize_field("mode", &self.mode)?;
        }
        if true {
            let v = file::SetId::try_from(self.set_id)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.set_id)))?;
            struct_ser.serialize_field("setId", &v)?;
        }
        if true {
            struct_ser.serialize_field("by", &self.by)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for File {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "operation",
            "path",
            "target",
            "mount",
            "path_from_caller",
            "pathFromCaller",
            "mode",
            "set_id",
            "setId",
            "by",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Operation,
            Path,
            Target,
            Mount,
            PathFromCaller,
            Mode,
            SetId,
            By,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "operation" => Ok(GeneratedField::Operation),
                            "path" => Ok(GeneratedField::Path),
                            "target" => Ok(GeneratedField::Target),
                            "mount" => Ok(GeneratedField::Mount),
                            "pathFromCaller" | "path_from_caller" => Ok(GeneratedField::PathFromCaller),
                            "mode" => Ok(GeneratedField::Mode),
                            "setId" | "set_id" => Ok(GeneratedField::SetId),
                            "by" => Ok(GeneratedField::By),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = File;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.File")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<File, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut operation__ = None;
                let mut path__ = None;
                let mut target__ = None;
                let mut mount__ = None;
                let mut path_from_caller__ = None;
                let mut mode__ = None;
                let mut set_id__ = None;
                let mut by__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Operation => {
                            if operation__.is_some() {
                                return Err(serde::de::Error::duplicate_field("operation"));
                            }
                            operation__ = Some(map_.next_value::<file::Operation>()? as i32);
                        }
                        GeneratedField::Path => {
                            if path__.is_some() {
                                return Err(serde::de::Error::duplicate_field("path"));
                            }
                            path__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Target => {
                            if target__.is_some() {
                                return Err(serde::de::Error::duplicate_field("target"));
                            }
                            target__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Mount => {
                            if mount__.is_some() {
                                return Err(serde::de::Error::duplicate_field("mount"));
                            }
                            mount__ = Some(map_.next_value::<file::Mount>()? as i32);
                        }
                        GeneratedField::PathFromCaller => {
                            if path_from_caller__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pathFromCaller"));
                            }
                            path_from_caller__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Mode => {
                            if mode__.is_some() {
                                return Err(serde::de::Error::duplicate_field("mode"));
                            }
                            mode__ = Some(map_.next_value()?);
                        }
                        GeneratedField::SetId => {
                            if set_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("setId"));
                            }
                            set_id__ = Some(map_.next_value::<file::SetId>()? as i32);
                        }
                        GeneratedField::By => {
                            if by__.is_some() {
                                return Err(serde::de::Error::duplicate_field("by"));
                            }
                            by__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(File {
                    operation: operation__.unwrap_or_default(),
                    path: path__.unwrap_or_default(),
                    target: target__.unwrap_or_default(),
                    mount: mount__.unwrap_or_default(),
                    path_from_caller: path_from_caller__.unwrap_or_default(),
                    mode: mode__.unwrap_or_default(),
                    set_id: set_id__.unwrap_or_default(),
                    by: by__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.File", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for file::Mount {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "MOUNT_UNSPECIFIED",
            Self::Image => "IMAGE",
            Self::Volume => "VOLUME",
            Self::Tmpfs => "TMPFS",
            Self::ProcSys => "PROC_SYS",
            Self::Unknown => "UNKNOWN",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for file::Mount {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "MOUNT_UNSPECIFIED",
            "IMAGE",
            "VOLUME",
            "TMPFS",
            "PROC_SYS",
            "UNKNOWN",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = file::Mount;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "MOUNT_UNSPECIFIED" => Ok(file::Mount::Unspecified),
                    "IMAGE" => Ok(file::Mount::Image),
                    "VOLUME" => Ok(file::Mount::Volume),
                    "TMPFS" => Ok(file::Mount::Tmpfs),
                    "PROC_SYS" => Ok(file::Mount::ProcSys),
                    "UNKNOWN" => Ok(file::Mount::Unknown),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for file::Operation {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "OPERATION_UNSPECIFIED",
            Self::OpenWrite => "OPEN_WRITE",
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Rename => "RENAME",
            Self::OpenRead => "OPEN_READ",
            Self::Link => "LINK",
            Self::Symlink => "SYMLINK",
            Self::Mkdir => "MKDIR",
            Self::Mknod => "MKNOD",
            Self::Truncate => "TRUNCATE",
            Self::Chmod => "CHMOD",
            Self::Chown => "CHOWN",
            Self::Setxattr => "SETXATTR",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for file::Operation {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "OPERATION_UNSPECIFIED",
            "OPEN_WRITE",
            "CREATE",
            "DELETE",
            "RENAME",
            "OPEN_READ",
            "LINK",
            "SYMLINK",
            "MKDIR",
            "MKNOD",
            "TRUNCATE",
            "CHMOD",
            "CHOWN",
            "SETXATTR",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = file::Operation;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "OPERATION_UNSPECIFIED" => Ok(file::Operation::Unspecified),
                    "OPEN_WRITE" => Ok(file::Operation::OpenWrite),
                    "CREATE" => Ok(file::Operation::Create),
                    "DELETE" => Ok(file::Operation::Delete),
                    "RENAME" => Ok(file::Operation::Rename),
                    "OPEN_READ" => Ok(file::Operation::OpenRead),
                    "LINK" => Ok(file::Operation::Link),
                    "SYMLINK" => Ok(file::Operation::Symlink),
                    "MKDIR" => Ok(file::Operation::Mkdir),
                    "MKNOD" => Ok(file::Operation::Mknod),
                    "TRUNCATE" => Ok(file::Operation::Truncate),
                    "CHMOD" => Ok(file::Operation::Chmod),
                    "CHOWN" => Ok(file::Operation::Chown),
                    "SETXATTR" => Ok(file::Operation::Setxattr),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for file::SetId {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::None => "NONE",
            Self::User => "USER",
            Self::Group => "GROUP",
            Self::UserAndGroup => "USER_AND_GROUP",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for file::SetId {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "NONE",
            "USER",
            "GROUP",
            "USER_AND_GROUP",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = file::SetId;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "NONE" => Ok(file::SetId::None),
                    "USER" => Ok(file::SetId::User),
                    "GROUP" => Ok(file::SetId::Group),
                    "USER_AND_GROUP" => Ok(file::SetId::UserAndGroup),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for FollowBehaviorProfilesRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.FollowBehaviorProfilesRequest", len)?;
        if true {
            struct_ser.serialize_field("intervalSeconds", &self.interval_seconds)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for FollowBehaviorProfilesRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "interval_seconds",
            "intervalSeconds",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            IntervalSeconds,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "intervalSeconds" | "interval_seconds" => Ok(GeneratedField::IntervalSeconds),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = FollowBehaviorProfilesRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.FollowBehaviorProfilesRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<FollowBehaviorProfilesRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut interval_seconds__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::IntervalSeconds => {
                            if interval_seconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("intervalSeconds"));
                            }
                            interval_seconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(FollowBehaviorProfilesRequest {
                    interval_seconds: interval_seconds__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.FollowBehaviorProfilesRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for FollowBehaviorProfilesResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.FollowBehaviorProfilesResponse", len)?;
        if true {
            struct_ser.serialize_field("profiles", &self.profiles)?;
        }
        if true {
            struct_ser.serialize_field("gone", &self.gone)?;
        }
        if true {
            struct_ser.serialize_field("whole", &self.whole)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for FollowBehaviorProfilesResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "profiles",
            "gone",
            "whole",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Profiles,
            Gone,
            Whole,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "profiles" => Ok(GeneratedField::Profiles),
                            "gone" => Ok(GeneratedField::Gone),
                            "whole" => Ok(GeneratedField::Whole),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = FollowBehaviorProfilesResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.FollowBehaviorProfilesResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<FollowBehaviorProfilesResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut profiles__ = None;
                let mut gone__ = None;
                let mut whole__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Profiles => {
                            if profiles__.is_some() {
                                return Err(serde::de::Error::duplicate_field("profiles"));
                            }
                            profiles__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Gone => {
                            if gone__.is_some() {
                                return Err(serde::de::Error::duplicate_field("gone"));
                            }
                            gone__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Whole => {
                            if whole__.is_some() {
                                return Err(serde::de::Error::duplicate_field("whole"));
                            }
                            whole__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(FollowBehaviorProfilesResponse {
                    profiles: profiles__.unwrap_or_default(),
                    gone: gone__.unwrap_or_default(),
                    whole: whole__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.FollowBehaviorProfilesResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for FollowLearnedRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.FollowLearnedRequest", len)?;
        if true {
            struct_ser.serialize_field("revision", &self.revision)?;
        }
        if true {
            struct_ser.serialize_field("namespace", &self.namespace)?;
        }
        if true {
            struct_ser.serialize_field("intervalSeconds", &self.interval_seconds)?;
        }
        if true {
            struct_ser.serialize_field("evidenceIntervalSeconds", &self.evidence_interval_seconds)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for FollowLearnedRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "revision",
            "namespace",
            "interval_seconds",
            "intervalSeconds",
            "evidence_interval_seconds",
            "evidenceIntervalSeconds",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Revision,
            Namespace,
            IntervalSeconds,
            EvidenceIntervalSeconds,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "revision" => Ok(GeneratedField::Revision),
                            "namespace" => Ok(GeneratedField::Namespace),
                            "intervalSeconds" | "interval_seconds" => Ok(GeneratedField::IntervalSeconds),
                            "evidenceIntervalSeconds" | "evidence_interval_seconds" => Ok(GeneratedField::EvidenceIntervalSeconds),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = FollowLearnedRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.FollowLearnedRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<FollowLearnedRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut revision__ = None;
                let mut namespace__ = None;
                let mut interval_seconds__ = None;
                let mut evidence_interval_seconds__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Namespace => {
                            if namespace__.is_some() {
                                return Err(serde::de::Error::duplicate_field("namespace"));
                            }
                            namespace__ = Some(map_.next_value()?);
                        }
                        GeneratedField::IntervalSeconds => {
                            if interval_seconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("intervalSeconds"));
                            }
                            interval_seconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::EvidenceIntervalSeconds => {
                            if evidence_interval_seconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("evidenceIntervalSeconds"));
                            }
                            evidence_interval_seconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(FollowLearnedRequest {
                    revision: revision__.unwrap_or_default(),
                    namespace: namespace__.unwrap_or_default(),
                    interval_seconds: interval_seconds__.unwrap_or_default(),
                    evidence_interval_seconds: evidence_interval_seconds__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.FollowLearnedRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for FollowLearnedResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.FollowLearnedResponse", len)?;
        if true {
            struct_ser.serialize_field("revision", &self.revision)?;
        }
        if let Some(v) = self.profile.as_ref() {
            struct_ser.serialize_field("profile", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for FollowLearnedResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "revision",
            "profile",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Revision,
            Profile,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "revision" => Ok(GeneratedField::Revision),
                            "profile" => Ok(GeneratedField::Profile),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = FollowLearnedResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.FollowLearnedResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<FollowLearnedResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut revision__ = None;
                let mut profile__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Profile => {
                            if profile__.is_some() {
                                return Err(serde::de::Error::duplicate_field("profile"));
                            }
                            profile__ = map_.next_value()?;
                        }
                    }
                }
                Ok(FollowLearnedResponse {
                    revision: revision__.unwrap_or_default(),
                    profile: profile__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.FollowLearnedResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ForgetConsumerRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ForgetConsumerRequest", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if let Some(v) = self.decider.as_ref() {
            struct_ser.serialize_field("decider", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ForgetConsumerRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "decider",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Decider,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "decider" => Ok(GeneratedField::Decider),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ForgetConsumerRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ForgetConsumerRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ForgetConsumerRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut decider__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Decider => {
                            if decider__.is_some() {
                                return Err(serde::de::Error::duplicate_field("decider"));
                            }
                            decider__ = map_.next_value()?;
                        }
                    }
                }
                Ok(ForgetConsumerRequest {
                    name: name__.unwrap_or_default(),
                    decider: decider__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ForgetConsumerRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ForgetConsumerResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ForgetConsumerResponse", len)?;
        if let Some(v) = self.consumer.as_ref() {
            struct_ser.serialize_field("consumer", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ForgetConsumerResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "consumer",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Consumer,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "consumer" => Ok(GeneratedField::Consumer),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ForgetConsumerResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ForgetConsumerResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ForgetConsumerResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut consumer__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Consumer => {
                            if consumer__.is_some() {
                                return Err(serde::de::Error::duplicate_field("consumer"));
                            }
                            consumer__ = map_.next_value()?;
                        }
                    }
                }
                Ok(ForgetConsumerResponse {
                    consumer: consumer__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ForgetConsumerResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Gap {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Gap", len)?;
        if true {
            struct_ser.serialize_field("reason", &self.reason)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("count", ToString::to_string(&self.count).as_str())?;
        }
        if let Some(v) = self.from.as_ref() {
            struct_ser.serialize_field("from", v)?;
        }
        if let Some(v) = self.to.as_ref() {
            struct_ser.serialize_field("to", v)?;
        }
        if true {
            struct_ser.serialize_field("scope", &self.scope)?;
        }
        if true {
            struct_ser.serialize_field("cluster", &self.cluster)?;
        }
        if true {
            struct_ser.serialize_field("node", &self.node)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Gap {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "reason",
            "count",
            "from",
            "to",
            "scope",
            "cluster",
            "node",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Reason,
            Count,
            From,
            To,
            Scope,
            Cluster,
            Node,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "reason" => Ok(GeneratedField::Reason),
                            "count" => Ok(GeneratedField::Count),
                            "from" => Ok(GeneratedField::From),
                            "to" => Ok(GeneratedField::To),
                            "scope" => Ok(GeneratedField::Scope),
                            "cluster" => Ok(GeneratedField::Cluster),
                            "node" => Ok(GeneratedField::Node),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Gap;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Gap")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Gap, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut reason__ = None;
                let mut count__ = None;
                let mut from__ = None;
                let mut to__ = None;
                let mut scope__ = None;
                let mut cluster__ = None;
                let mut node__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Count => {
                            if count__.is_some() {
                                return Err(serde::de::Error::duplicate_field("count"));
                            }
                            count__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::From => {
                            if from__.is_some() {
                                return Err(serde::de::Error::duplicate_field("from"));
                            }
                            from__ = map_.next_value()?;
                        }
                        GeneratedField::To => {
                            if to__.is_some() {
                                return Err(serde::de::Error::duplicate_field("to"));
                            }
                            to__ = map_.next_value()?;
                        }
                        GeneratedField::Scope => {
                            if scope__.is_some() {
                                return Err(serde::de::Error::duplicate_field("scope"));
                            }
                            scope__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Cluster => {
                            if cluster__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cluster"));
                            }
                            cluster__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Gap {
                    reason: reason__.unwrap_or_default(),
                    count: count__.unwrap_or_default(),
                    from: from__,
                    to: to__,
                    scope: scope__.unwrap_or_default(),
                    cluster: cluster__.unwrap_or_default(),
                    node: node__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Gap", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetInventoryRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetInventoryRequest", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetInventoryRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetInventoryRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetInventoryRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetInventoryRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(GetInventoryRequest {
                    name: name__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetInventoryRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetInventoryResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetInventoryResponse", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("packed", pbjson::private::base64::encode(&self.packed).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetInventoryResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "packed",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Packed,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "packed" => Ok(GeneratedField::Packed),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetInventoryResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetInventoryResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetInventoryResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut packed__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Packed => {
                            if packed__.is_some() {
                                return Err(serde::de::Error::duplicate_field("packed"));
                            }
                            packed__ = 
                                Some(map_.next_value::<::pbjson::private::BytesDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(GetInventoryResponse {
                    name: name__.unwrap_or_default(),
                    packed: packed__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetInventoryResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetProfileRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetProfileRequest", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetProfileRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetProfileRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetProfileRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetProfileRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(GetProfileRequest {
                    name: name__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetProfileRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetProfileResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetProfileResponse", len)?;
        if let Some(v) = self.summary.as_ref() {
            struct_ser.serialize_field("summary", v)?;
        }
        if true {
            struct_ser.serialize_field("yaml", &self.yaml)?;
        }
        if let Some(v) = self.conditions.as_ref() {
            struct_ser.serialize_field("conditions", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetProfileResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "summary",
            "yaml",
            "conditions",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Summary,
            Yaml,
            Conditions,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "summary" => Ok(GeneratedField::Summary),
                            "yaml" => Ok(GeneratedField::Yaml),
                            "conditions" => Ok(GeneratedField::Conditions),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetProfileResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetProfileResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetProfileResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut summary__ = None;
                let mut yaml__ = None;
                let mut conditions__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Summary => {
                            if summary__.is_some() {
                                return Err(serde::de::Error::duplicate_field("summary"));
                            }
                            summary__ = map_.next_value()?;
                        }
                        GeneratedField::Yaml => {
                            if yaml__.is_some() {
                                return Err(serde::de::Error::duplicate_field("yaml"));
                            }
                            yaml__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Conditions => {
                            if conditions__.is_some() {
                                return Err(serde::de::Error::duplicate_field("conditions"));
                            }
                            conditions__ = map_.next_value()?;
                        }
                    }
                }
                Ok(GetProfileResponse {
                    summary: summary__,
                    yaml: yaml__.unwrap_or_default(),
                    conditions: conditions__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetProfileResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetStatusRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let len = 0;
        let struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusRequest", len)?;
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetStatusRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                            Err(serde::de::Error::unknown_field(value, FIELDS))
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetStatusRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetStatusRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                while map_.next_key::<GeneratedField>()?.is_some() {
                    let _ = map_.next_value::<serde::de::IgnoredAny>()?;
                }
                Ok(GetStatusRequest {
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetStatusResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse", len)?;
        if true {
            struct_ser.serialize_field("version", &self.version)?;
        }
        if true {
            struct_ser.serialize_field("node", &self.node)?;
        }
        if true {
            struct_ser.serialize_field("cluster", &self.cluster)?;
        }
        if true {
            struct_ser.serialize_field("kernel", &self.kernel)?;
        }
        if let Some(v) = self.start_time.as_ref() {
            struct_ser.serialize_field("startTime", v)?;
        }
        if true {
            struct_ser.serialize_field("containers", &self.containers)?;
        }
        if true {
            struct_ser.serialize_field("processes", &self.processes)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("records", ToString::to_string(&self.records).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("violations", ToString::to_string(&self.violations).as_str())?;
        }
        if true {
            struct_ser.serialize_field("hooks", &self.hooks)?;
        }
        if true {
            struct_ser.serialize_field("losses", &self.losses)?;
        }
        if true {
            struct_ser.serialize_field("profiles", &self.profiles)?;
        }
        if let Some(v) = self.feed.as_ref() {
            struct_ser.serialize_field("feed", v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("memoryBytes", ToString::to_string(&self.memory_bytes).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("violationsEndedEarly", ToString::to_string(&self.violations_ended_early).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("violationsForgotten", ToString::to_string(&self.violations_forgotten).as_str())?;
        }
        if true {
            struct_ser.serialize_field("containerLosses", &self.container_losses)?;
        }
        if let Some(v) = self.held.as_ref() {
            struct_ser.serialize_field("held", v)?;
        }
        if let Some(v) = self.sizes.as_ref() {
            struct_ser.serialize_field("sizes", v)?;
        }
        if true {
            struct_ser.serialize_field("tables", &self.tables)?;
        }
        if true {
            struct_ser.serialize_field("sinks", &self.sinks)?;
        }
        if let Some(v) = self.listener.as_ref() {
            struct_ser.serialize_field("listener", v)?;
        }
        if let Some(v) = self.identity.as_ref() {
            struct_ser.serialize_field("identity", v)?;
        }
        if let Some(v) = self.cluster_profiles.as_ref() {
            struct_ser.serialize_field("clusterProfiles", v)?;
        }
        if let Some(v) = self.cluster_modes.as_ref() {
            struct_ser.serialize_field("clusterModes", v)?;
        }
        if true {
            struct_ser.serialize_field("watches", &self.watches)?;
        }
        if true {
            struct_ser.serialize_field("judged", &self.judged)?;
        }
        if true {
            struct_ser.serialize_field("reported", &self.reported)?;
        }
        if let Some(v) = self.fleet.as_ref() {
            struct_ser.serialize_field("fleet", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetStatusResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "version",
            "node",
            "cluster",
            "kernel",
            "start_time",
            "startTime",
            "containers",
            "processes",
            "records",
            "violations",
            "hooks",
            "losses",
            "profiles",
            "feed",
            "memory_bytes",
            "memoryBytes",
            "violations_ended_early",
            "violationsEndedEarly",
            "violations_forgotten",
            "violationsForgotten",
            "container_losses",
            "containerLosses",
            "held",
            "sizes",
            "tables",
            "sinks",
            "listener",
            "identity",
            "cluster_profiles",
            "clusterProfiles",
            "cluster_modes",
            "clusterModes",
            "watches",
            "judged",
            "reported",
            "fleet",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Version,
            Node,
            Cluster,
            Kernel,
            StartTime,
            Containers,
            Processes,
            Records,
            Violations,
            Hooks,
            Losses,
            Profiles,
            Feed,
            MemoryBytes,
            ViolationsEndedEarly,
            ViolationsForgotten,
            ContainerLosses,
            Held,
            Sizes,
            Tables,
            Sinks,
            Listener,
            Identity,
            ClusterProfiles,
            ClusterModes,
            Watches,
            Judged,
            Reported,
            Fleet,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "version" => Ok(GeneratedField::Version),
                            "node" => Ok(GeneratedField::Node),
                            "cluster" => Ok(GeneratedField::Cluster),
                            "kernel" => Ok(GeneratedField::Kernel),
                            "startTime" | "start_time" => Ok(GeneratedField::StartTime),
                            "containers" => Ok(GeneratedField::Containers),
                            "processes" => Ok(GeneratedField::Processes),
                            "records" => Ok(GeneratedField::Records),
                            "violations" => Ok(GeneratedField::Violations),
                            "hooks" => Ok(GeneratedField::Hooks),
                            "losses" => Ok(GeneratedField::Losses),
                            "profiles" => Ok(GeneratedField::Profiles),
                            "feed" => Ok(GeneratedField::Feed),
                            "memoryBytes" | "memory_bytes" => Ok(GeneratedField::MemoryBytes),
                            "violationsEndedEarly" | "violations_ended_early" => Ok(GeneratedField::ViolationsEndedEarly),
                            "violationsForgotten" | "violations_forgotten" => Ok(GeneratedField::ViolationsForgotten),
                            "containerLosses" | "container_losses" => Ok(GeneratedField::ContainerLosses),
                            "held" => Ok(GeneratedField::Held),
                            "sizes" => Ok(GeneratedField::Sizes),
                            "tables" => Ok(GeneratedField::Tables),
                            "sinks" => Ok(GeneratedField::Sinks),
                            "listener" => Ok(GeneratedField::Listener),
                            "identity" => Ok(GeneratedField::Identity),
                            "clusterProfiles" | "cluster_profiles" => Ok(GeneratedField::ClusterProfiles),
                            "clusterModes" | "cluster_modes" => Ok(GeneratedField::ClusterModes),
                            "watches" => Ok(GeneratedField::Watches),
                            "judged" => Ok(GeneratedField::Judged),
                            "reported" => Ok(GeneratedField::Reported),
                            "fleet" => Ok(GeneratedField::Fleet),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetStatusResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetStatusResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut version__ = None;
                let mut node__ = None;
                let mut cluster__ = None;
                let mut kernel__ = None;
                let mut start_time__ = None;
                let mut containers__ = None;
                let mut processes__ = None;
                let mut records__ = None;
                let mut violations__ = None;
                let mut hooks__ = None;
                let mut losses__ = None;
                let mut profiles__ = None;
                let mut feed__ = None;
                let mut memory_bytes__ = None;
                let mut violations_ended_early__ = None;
                let mut violations_forgotten__ = None;
                let mut container_losses__ = None;
                let mut held__ = None;
                let mut sizes__ = None;
                let mut tables__ = None;
                let mut sinks__ = None;
                let mut listener__ = None;
                let mut identity__ = None;
                let mut cluster_profiles__ = None;
                let mut cluster_modes__ = None;
                let mut watches__ = None;
                let mut judged__ = None;
                let mut reported__ = None;
                let mut fleet__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Version => {
                            if version__.is_some() {
                                return Err(serde::de::Error::duplicate_field("version"));
                            }
                            version__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Cluster => {
                            if cluster__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cluster"));
                            }
                            cluster__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Kernel => {
                            if kernel__.is_some() {
                                return Err(serde::de::Error::duplicate_field("kernel"));
                            }
                            kernel__ = Some(map_.next_value()?);
                        }
                        GeneratedField::StartTime => {
                            if start_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("startTime"));
                            }
                            start_time__ = map_.next_value()?;
                        }
                        GeneratedField::Containers => {
                            if containers__.is_some() {
                                return Err(serde::de::Error::duplicate_field("containers"));
                            }
                            containers__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Processes => {
                            if processes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("processes"));
                            }
                            processes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Records => {
                            if records__.is_some() {
                                return Err(serde::de::Error::duplicate_field("records"));
                            }
                            records__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Violations => {
                            if violations__.is_some() {
                                return Err(serde::de::Error::duplicate_field("violations"));
                            }
                            violations__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Hooks => {
                            if hooks__.is_some() {
                                return Err(serde::de::Error::duplicate_field("hooks"));
                            }
                            hooks__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Losses => {
                            if losses__.is_some() {
                                return Err(serde::de::Error::duplicate_field("losses"));
                            }
                            losses__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Profiles => {
                            if profiles__.is_some() {
                                return Err(serde::de::Error::duplicate_field("profiles"));
                            }
                            profiles__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Feed => {
                            if feed__.is_some() {
                                return Err(serde::de::Error::duplicate_field("feed"));
                            }
                            feed__ = map_.next_value()?;
                        }
                        GeneratedField::MemoryBytes => {
                            if memory_bytes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("memoryBytes"));
                            }
                            memory_bytes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ViolationsEndedEarly => {
                            if violations_ended_early__.is_some() {
                                return Err(serde::de::Error::duplicate_field("violationsEndedEarly"));
                            }
                            violations_ended_early__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ViolationsForgotten => {
                            if violations_forgotten__.is_some() {
                                return Err(serde::de::Error::duplicate_field("violationsForgotten"));
                            }
                            violations_forgotten__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ContainerLosses => {
                            if container_losses__.is_some() {
                                return Err(serde::de::Error::duplicate_field("containerLosses"));
                            }
                            container_losses__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Held => {
                            if held__.is_some() {
                                return Err(serde::de::Error::duplicate_field("held"));
                            }
                            held__ = map_.next_value()?;
                        }
                        GeneratedField::Sizes => {
                            if sizes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("sizes"));
                            }
                            sizes__ = map_.next_value()?;
                        }
                        GeneratedField::Tables => {
                            if tables__.is_some() {
                                return Err(serde::de::Error::duplicate_field("tables"));
                            }
                            tables__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Sinks => {
                            if sinks__.is_some() {
                                return Err(serde::de::Error::duplicate_field("sinks"));
                            }
                            sinks__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Listener => {
                            if listener__.is_some() {
                                return Err(serde::de::Error::duplicate_field("listener"));
                            }
                            listener__ = map_.next_value()?;
                        }
                        GeneratedField::Identity => {
                            if identity__.is_some() {
                                return Err(serde::de::Error::duplicate_field("identity"));
                            }
                            identity__ = map_.next_value()?;
                        }
                        GeneratedField::ClusterProfiles => {
                            if cluster_profiles__.is_some() {
                                return Err(serde::de::Error::duplicate_field("clusterProfiles"));
                            }
                            cluster_profiles__ = map_.next_value()?;
                        }
                        GeneratedField::ClusterModes => {
                            if cluster_modes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("clusterModes"));
                            }
                            cluster_modes__ = map_.next_value()?;
                        }
                        GeneratedField::Watches => {
                            if watches__.is_some() {
                                return Err(serde::de::Error::duplicate_field("watches"));
                            }
                            watches__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Judged => {
                            if judged__.is_some() {
                                return Err(serde::de::Error::duplicate_field("judged"));
                            }
                            judged__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Reported => {
                            if reported__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reported"));
                            }
                            reported__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Fleet => {
                            if fleet__.is_some() {
                                return Err(serde::de::Error::duplicate_field("fleet"));
                            }
                            fleet__ = map_.next_value()?;
                        }
                    }
                }
                Ok(GetStatusResponse {
                    version: version__.unwrap_or_default(),
                    node: node__.unwrap_or_default(),
                    cluster: cluster__.unwrap_or_default(),
                    kernel: kernel__.unwrap_or_default(),
                    start_time: start_time__,
                    containers: containers__.unwrap_or_default(),
                    processes: processes__.unwrap_or_default(),
                    records: records__.unwrap_or_default(),
                    violations: violations__.unwrap_or_default(),
                    hooks: hooks__.unwrap_or_default(),
                    losses: losses__.unwrap_or_default(),
                    profiles: profiles__.unwrap_or_default(),
                    feed: feed__,
                    memory_bytes: memory_bytes__.unwrap_or_default(),
                    violations_ended_early: violations_ended_early__.unwrap_or_default(),
                    violations_forgotten: violations_forgotten__.unwrap_or_default(),
                    container_losses: container_losses__.unwrap_or_default(),
                    held: held__,
                    sizes: sizes__,
                    tables: tables__.unwrap_or_default(),
                    sinks: sinks__.unwrap_or_default(),
                    listener: listener__,
                    identity: identity__,
                    cluster_profiles: cluster_profiles__,
                    cluster_modes: cluster_modes__,
                    watches: watches__.unwrap_or_default(),
                    judged: judged__.unwrap_or_default(),
                    reported: reported__.unwrap_or_default(),
                    fleet: fleet__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::ClusterModes {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.ClusterModes", len)?;
        if true {
            let v = get_status_response::identity::source::State::try_from(self.state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.state)))?;
            struct_ser.serialize_field("state", &v)?;
        }
        if true {
            struct_ser.serialize_field("url", &self.url)?;
        }
        if let Some(v) = self.since.as_ref() {
            struct_ser.serialize_field("since", v)?;
        }
        if let Some(v) = self.heard_time.as_ref() {
            struct_ser.serialize_field("heardTime", v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("failed", ToString::to_string(&self.failed).as_str())?;
        }
        if true {
            struct_ser.serialize_field("lastError", &self.last_error)?;
        }
        if true {
            struct_ser.serialize_field("known", &self.known)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("refused", ToString::to_string(&self.refused).as_str())?;
        }
        if true {
            struct_ser.serialize_field("here", &self.here)?;
        }
        if true {
            struct_ser.serialize_field("namespaces", &self.namespaces)?;
        }
        if true {
            struct_ser.serialize_field("off", &self.off)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("dropped", ToString::to_string(&self.dropped).as_str())?;
        }
        if true {
            struct_ser.serialize_field("told", &self.told)?;
        }
        if true {
            struct_ser.serialize_field("notes", &self.notes)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::ClusterModes {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "state",
            "url",
            "since",
            "heard_time",
            "heardTime",
            "failed",
            "last_error",
            "lastError",
            "known",
            "refused",
            "here",
            "namespaces",
            "off",
            "dropped",
            "told",
            "notes",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            State,
            Url,
            Since,
            HeardTime,
            Failed,
            LastError,
            Known,
            Refused,
            Here,
            Namespaces,
            Off,
            Dropped,
            Told,
            Notes,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "state" => Ok(GeneratedField::State),
                            "url" => Ok(GeneratedField::Url),
                            "since" => Ok(GeneratedField::Since),
                            "heardTime" | "heard_time" => Ok(GeneratedField::HeardTime),
                            "failed" => Ok(GeneratedField::Failed),
                            "lastError" | "last_error" => Ok(GeneratedField::LastError),
                            "known" => Ok(GeneratedField::Known),
                            "refused" => Ok(GeneratedField::Refused),
                            "here" => Ok(GeneratedField::Here),
                            "namespaces" => Ok(GeneratedField::Namespaces),
                            "off" => Ok(GeneratedField::Off),
                            "dropped" => Ok(GeneratedField::Dropped),
                            "told" => Ok(GeneratedField::Told),
                            "notes" => Ok(GeneratedField::Notes),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::ClusterModes;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.ClusterModes")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::ClusterModes, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut state__ = None;
                let mut url__ = None;
                let mut since__ = None;
                let mut heard_time__ = None;
                let mut failed__ = None;
                let mut last_error__ = None;
                let mut known__ = None;
                let mut refused__ = None;
                let mut here__ = None;
                let mut namespaces__ = None;
                let mut off__ = None;
                let mut dropped__ = None;
                let mut told__ = None;
                let mut notes__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::State => {
                            if state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("state"));
                            }
                            state__ = Some(map_.next_value::<get_status_response::identity::source::State>()? as i32);
                        }
                        GeneratedField::Url => {
                            if url__.is_some() {
                                return Err(serde::de::Error::duplicate_field("url"));
                            }
                            url__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Since => {
                            if since__.is_some() {
                                return Err(serde::de::Error::duplicate_field("since"));
                            }
                            since__ = map_.next_value()?;
                        }
                        GeneratedField::HeardTime => {
                            if heard_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("heardTime"));
                            }
                            heard_time__ = map_.next_value()?;
                        }
                        GeneratedField::Failed => {
                            if failed__.is_some() {
                                return Err(serde::de::Error::duplicate_field("failed"));
                            }
                            failed__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::LastError => {
                            if last_error__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastError"));
                            }
                            last_error__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Known => {
                            if known__.is_some() {
                                return Err(serde::de::Error::duplicate_field("known"));
                            }
                            known__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Refused => {
                            if refused__.is_some() {
                                return Err(serde::de::Error::duplicate_field("refused"));
                            }
                            refused__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Here => {
                            if here__.is_some() {
                                return Err(serde::de::Error::duplicate_field("here"));
                            }
                            here__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Namespaces => {
                            if namespaces__.is_some() {
                                return Err(serde::de::Error::duplicate_field("namespaces"));
                            }
                            namespaces__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Off => {
                            if off__.is_some() {
                                return Err(serde::de::Error::duplicate_field("off"));
                            }
                            off__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Dropped => {
                            if dropped__.is_some() {
                                return Err(serde::de::Error::duplicate_field("dropped"));
                            }
                            dropped__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Told => {
                            if told__.is_some() {
                                return Err(serde::de::Error::duplicate_field("told"));
                            }
                            told__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Notes => {
                            if notes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("notes"));
                            }
                            notes__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::ClusterModes {
                    state: state__.unwrap_or_default(),
                    url: url__.unwrap_or_default(),
                    since: since__,
                    heard_time: heard_time__,
                    failed: failed__.unwrap_or_default(),
                    last_error: last_error__.unwrap_or_default(),
                    known: known__.unwrap_or_default(),
                    refused: refused__.unwrap_or_default(),
                    here: here__.unwrap_or_default(),
                    namespaces: namespaces__.unwrap_or_default(),
                    off: off__.unwrap_or_default(),
                    dropped: dropped__.unwrap_or_default(),
                    told: told__.unwrap_or_default(),
                    notes: notes__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.ClusterModes", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::cluster_modes::Namespace {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.ClusterModes.Namespace", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("label", &self.label)?;
        }
        if true {
            struct_ser.serialize_field("containers", &self.containers)?;
        }
        if true {
            struct_ser.serialize_field("off", &self.off)?;
        }
        if true {
            struct_ser.serialize_field("byPods", &self.by_pods)?;
        }
        if true {
            struct_ser.serialize_field("configured", &self.configured)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::cluster_modes::Namespace {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "label",
            "containers",
            "off",
            "by_pods",
            "byPods",
            "configured",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Label,
            Containers,
            Off,
            ByPods,
            Configured,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "label" => Ok(GeneratedField::Label),
                            "containers" => Ok(GeneratedField::Containers),
                            "off" => Ok(GeneratedField::Off),
                            "byPods" | "by_pods" => Ok(GeneratedField::ByPods),
                            "configured" => Ok(GeneratedField::Configured),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::cluster_modes::Namespace;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.ClusterModes.Namespace")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::cluster_modes::Namespace, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut label__ = None;
                let mut containers__ = None;
                let mut off__ = None;
                let mut by_pods__ = None;
                let mut configured__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Label => {
                            if label__.is_some() {
                                return Err(serde::de::Error::duplicate_field("label"));
                            }
                            label__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Containers => {
                            if containers__.is_some() {
                                return Err(serde::de::Error::duplicate_field("containers"));
                            }
                            containers__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Off => {
                            if off__.is_some() {
                                return Err(serde::de::Error::duplicate_field("off"));
                            }
                            off__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ByPods => {
                            if by_pods__.is_some() {
                                return Err(serde::de::Error::duplicate_field("byPods"));
                            }
                            by_pods__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Configured => {
                            if configured__.is_some() {
                                return Err(serde::de::Error::duplicate_field("configured"));
                            }
                            configured__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::cluster_modes::Namespace {
                    name: name__.unwrap_or_default(),
                    label: label__.unwrap_or_default(),
                    containers: containers__.unwrap_or_default(),
                    off: off__.unwrap_or_default(),
                    by_pods: by_pods__.unwrap_or_default(),
                    configured: configured__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.ClusterModes.Namespace", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::cluster_modes::Note {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.ClusterModes.Note", len)?;
        if true {
            struct_ser.serialize_field("text", &self.text)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::cluster_modes::Note {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "text",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Text,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "text" => Ok(GeneratedField::Text),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::cluster_modes::Note;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.ClusterModes.Note")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::cluster_modes::Note, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut text__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Text => {
                            if text__.is_some() {
                                return Err(serde::de::Error::duplicate_field("text"));
                            }
                            text__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::cluster_modes::Note {
                    text: text__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.ClusterModes.Note", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::ClusterProfiles {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.ClusterProfiles", len)?;
        if true {
            let v = get_status_response::identity::source::State::try_from(self.state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.state)))?;
            struct_ser.serialize_field("state", &v)?;
        }
        if true {
            struct_ser.serialize_field("url", &self.url)?;
        }
        if let Some(v) = self.since.as_ref() {
            struct_ser.serialize_field("since", v)?;
        }
        if let Some(v) = self.heard_time.as_ref() {
            struct_ser.serialize_field("heardTime", v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("failed", ToString::to_string(&self.failed).as_str())?;
        }
        if true {
            struct_ser.serialize_field("lastError", &self.last_error)?;
        }
        if true {
            struct_ser.serialize_field("objects", &self.objects)?;
        }
        if true {
            struct_ser.serialize_field("inForce", &self.in_force)?;
        }
        if let Some(v) = self.changed_time.as_ref() {
            struct_ser.serialize_field("changedTime", v)?;
        }
        if true {
            struct_ser.serialize_field("refused", &self.refused)?;
        }
        if true {
            struct_ser.serialize_field("troubles", &self.troubles)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("gaveWay", ToString::to_string(&self.gave_way).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::ClusterProfiles {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "state",
            "url",
            "since",
            "heard_time",
            "heardTime",
            "failed",
            "last_error",
            "lastError",
            "objects",
            "in_force",
            "inForce",
            "changed_time",
            "changedTime",
            "refused",
            "troubles",
            "gave_way",
            "gaveWay",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            State,
            Url,
            Since,
            HeardTime,
            Failed,
            LastError,
            Objects,
            InForce,
            ChangedTime,
            Refused,
            Troubles,
            GaveWay,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "state" => Ok(GeneratedField::State),
                            "url" => Ok(GeneratedField::Url),
                            "since" => Ok(GeneratedField::Since),
                            "heardTime" | "heard_time" => Ok(GeneratedField::HeardTime),
                            "failed" => Ok(GeneratedField::Failed),
                            "lastError" | "last_error" => Ok(GeneratedField::LastError),
                            "objects" => Ok(GeneratedField::Objects),
                            "inForce" | "in_force" => Ok(GeneratedField::InForce),
                            "changedTime" | "changed_time" => Ok(GeneratedField::ChangedTime),
                            "refused" => Ok(GeneratedField::Refused),
                            "troubles" => Ok(GeneratedField::Troubles),
                            "gaveWay" | "gave_way" => Ok(GeneratedField::GaveWay),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::ClusterProfiles;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.ClusterProfiles")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::ClusterProfiles, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut state__ = None;
                let mut url__ = None;
                let mut since__ = None;
                let mut heard_time__ = None;
                let mut failed__ = None;
                let mut last_error__ = None;
                let mut objects__ = None;
                let mut in_force__ = None;
                let mut changed_time__ = None;
                let mut refused__ = None;
                let mut troubles__ = None;
                let mut gave_way__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::State => {
                            if state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("state"));
                            }
                            state__ = Some(map_.next_value::<get_status_response::identity::source::State>()? as i32);
                        }
                        GeneratedField::Url => {
                            if url__.is_some() {
                                return Err(serde::de::Error::duplicate_field("url"));
                            }
                            url__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Since => {
                            if since__.is_some() {
                                return Err(serde::de::Error::duplicate_field("since"));
                            }
                            since__ = map_.next_value()?;
                        }
                        GeneratedField::HeardTime => {
                            if heard_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("heardTime"));
                            }
                            heard_time__ = map_.next_value()?;
                        }
                        GeneratedField::Failed => {
                            if failed__.is_some() {
                                return Err(serde::de::Error::duplicate_field("failed"));
                            }
                            failed__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::LastError => {
                            if last_error__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastError"));
                            }
                            last_error__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Objects => {
                            if objects__.is_some() {
                                return Err(serde::de::Error::duplicate_field("objects"));
                            }
                            objects__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::InForce => {
                            if in_force__.is_some() {
                                return Err(serde::de::Error::duplicate_field("inForce"));
                            }
                            in_force__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ChangedTime => {
                            if changed_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("changedTime"));
                            }
                            changed_time__ = map_.next_value()?;
                        }
                        GeneratedField::Refused => {
                            if refused__.is_some() {
                                return Err(serde::de::Error::duplicate_field("refused"));
                            }
                            refused__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Troubles => {
                            if troubles__.is_some() {
                                return Err(serde::de::Error::duplicate_field("troubles"));
                            }
                            troubles__ = Some(map_.next_value()?);
                        }
                        GeneratedField::GaveWay => {
                            if gave_way__.is_some() {
                                return Err(serde::de::Error::duplicate_field("gaveWay"));
                            }
                            gave_way__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::ClusterProfiles {
                    state: state__.unwrap_or_default(),
                    url: url__.unwrap_or_default(),
                    since: since__,
                    heard_time: heard_time__,
                    failed: failed__.unwrap_or_default(),
                    last_error: last_error__.unwrap_or_default(),
                    objects: objects__.unwrap_or_default(),
                    in_force: in_force__.unwrap_or_default(),
                    changed_time: changed_time__,
                    refused: refused__.unwrap_or_default(),
                    troubles: troubles__.unwrap_or_default(),
                    gave_way: gave_way__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.ClusterProfiles", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::cluster_profiles::Trouble {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.ClusterProfiles.Trouble", len)?;
        if true {
            struct_ser.serialize_field("object", &self.object)?;
        }
        if true {
            struct_ser.serialize_field("text", &self.text)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::cluster_profiles::Trouble {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "object",
            "text",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Object,
            Text,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "object" => Ok(GeneratedField::Object),
                            "text" => Ok(GeneratedField::Text),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::cluster_profiles::Trouble;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.ClusterProfiles.Trouble")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::cluster_profiles::Trouble, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut object__ = None;
                let mut text__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Object => {
                            if object__.is_some() {
                                return Err(serde::de::Error::duplicate_field("object"));
                            }
                            object__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Text => {
                            if text__.is_some() {
                                return Err(serde::de::Error::duplicate_field("text"));
                            }
                            text__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::cluster_profiles::Trouble {
                    object: object__.unwrap_or_default(),
                    text: text__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.ClusterProfiles.Trouble", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Consumer {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Consumer", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("cursor", &self.cursor)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("behind", ToString::to_string(&self.behind).as_str())?;
        }
        if let Some(v) = self.stored_time.as_ref() {
            struct_ser.serialize_field("storedTime", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Consumer {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "cursor",
            "behind",
            "stored_time",
            "storedTime",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Cursor,
            Behind,
            StoredTime,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "cursor" => Ok(GeneratedField::Cursor),
                            "behind" => Ok(GeneratedField::Behind),
                            "storedTime" | "stored_time" => Ok(GeneratedField::StoredTime),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Consumer;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Consumer")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Consumer, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut cursor__ = None;
                let mut behind__ = None;
                let mut stored_time__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Cursor => {
                            if cursor__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cursor"));
                            }
                            cursor__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Behind => {
                            if behind__.is_some() {
                                return Err(serde::de::Error::duplicate_field("behind"));
                            }
                            behind__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::StoredTime => {
                            if stored_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("storedTime"));
                            }
                            stored_time__ = map_.next_value()?;
                        }
                    }
                }
                Ok(get_status_response::Consumer {
                    name: name__.unwrap_or_default(),
                    cursor: cursor__.unwrap_or_default(),
                    behind: behind__.unwrap_or_default(),
                    stored_time: stored_time__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Consumer", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::ContainerLoss {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.ContainerLoss", len)?;
        if true {
            struct_ser.serialize_field("container", &self.container)?;
        }
        if true {
            struct_ser.serialize_field("reason", &self.reason)?;
        }
        if true {
            struct_ser.serialize_field("class", &self.class)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("count", ToString::to_string(&self.count).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::ContainerLoss {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "container",
            "reason",
            "class",
            "count",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Container,
            Reason,
            Class,
            Count,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "container" => Ok(GeneratedField::Container),
                            "reason" => Ok(GeneratedField::Reason),
                            "class" => Ok(GeneratedField::Class),
                            "count" => Ok(GeneratedField::Count),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::ContainerLoss;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.ContainerLoss")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::ContainerLoss, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut container__ = None;
                let mut reason__ = None;
                let mut class__ = None;
                let mut count__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Container => {
                            if container__.is_some() {
                                return Err(serde::de::Error::duplicate_field("container"));
                            }
                            container__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Class => {
                            if class__.is_some() {
                                return Err(serde::de::Error::duplicate_field("class"));
                            }
                            class__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Count => {
                            if count__.is_some() {
                                return Err(serde::de::Error::duplicate_field("count"));
                            }
                            count__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::ContainerLoss {
                    container: container__.unwrap_or_default(),
                    reason: reason__.unwrap_or_default(),
                    class: class__.unwrap_or_default(),
                    count: count__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.ContainerLoss", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Feed {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Feed", len)?;
        if true {
            struct_ser.serialize_field("epoch", &self.epoch)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("first", ToString::to_string(&self.first).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("next", ToString::to_string(&self.next).as_str())?;
        }
        if true {
            struct_ser.serialize_field("subscribers", &self.subscribers)?;
        }
        if let Some(v) = self.spool.as_ref() {
            struct_ser.serialize_field("spool", v)?;
        }
        if true {
            struct_ser.serialize_field("trouble", &self.trouble)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("lost", ToString::to_string(&self.lost).as_str())?;
        }
        if true {
            struct_ser.serialize_field("consumers", &self.consumers)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Feed {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "epoch",
            "first",
            "next",
            "subscribers",
            "spool",
            "trouble",
            "lost",
            "consumers",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Epoch,
            First,
            Next,
            Subscribers,
            Spool,
            Trouble,
            Lost,
            Consumers,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "epoch" => Ok(GeneratedField::Epoch),
                            "first" => Ok(GeneratedField::First),
                            "next" => Ok(GeneratedField::Next),
                            "subscribers" => Ok(GeneratedField::Subscribers),
                            "spool" => Ok(GeneratedField::Spool),
                            "trouble" => Ok(GeneratedField::Trouble),
                            "lost" => Ok(GeneratedField::Lost),
                            "consumers" => Ok(GeneratedField::Consumers),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Feed;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Feed")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Feed, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut epoch__ = None;
                let mut first__ = None;
                let mut next__ = None;
                let mut subscribers__ = None;
                let mut spool__ = None;
                let mut trouble__ = None;
                let mut lost__ = None;
                let mut consumers__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Epoch => {
                            if epoch__.is_some() {
                                return Err(serde::de::Error::duplicate_field("epoch"));
                            }
                            epoch__ = Some(map_.next_value()?);
                        }
                        GeneratedField::First => {
                            if first__.is_some() {
                                return Err(serde::de::Error::duplicate_field("first"));
                            }
                            first__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Next => {
                            if next__.is_some() {
                                return Err(serde::de::Error::duplicate_field("next"));
                            }
                            next__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Subscribers => {
                            if subscribers__.is_some() {
                                return Err(serde::de::Error::duplicate_field("subscribers"));
                            }
                            subscribers__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Spool => {
                            if spool__.is_some() {
                                return Err(serde::de::Error::duplicate_field("spool"));
                            }
                            spool__ = map_.next_value()?;
                        }
                        GeneratedField::Trouble => {
                            if trouble__.is_some() {
                                return Err(serde::de::Error::duplicate_field("trouble"));
                            }
                            trouble__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Lost => {
                            if lost__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lost"));
                            }
                            lost__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Consumers => {
                            if consumers__.is_some() {
                                return Err(serde::de::Error::duplicate_field("consumers"));
                            }
                            consumers__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::Feed {
                    epoch: epoch__.unwrap_or_default(),
                    first: first__.unwrap_or_default(),
                    next: next__.unwrap_or_default(),
                    subscribers: subscribers__.unwrap_or_default(),
                    spool: spool__,
                    trouble: trouble__.unwrap_or_default(),
                    lost: lost__.unwrap_or_default(),
                    consumers: consumers__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Feed", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Fleet {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Fleet", len)?;
        if true {
            struct_ser.serialize_field("leader", &self.leader)?;
        }
        if true {
            struct_ser.serialize_field("leads", &self.leads)?;
        }
        if let Some(v) = self.lead_time.as_ref() {
            struct_ser.serialize_field("leadTime", v)?;
        }
        if true {
            struct_ser.serialize_field("agents", &self.agents)?;
        }
        if true {
            struct_ser.serialize_field("silent", &self.silent)?;
        }
        if true {
            let v = get_status_response::identity::source::State::try_from(self.state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.state)))?;
            struct_ser.serialize_field("state", &v)?;
        }
        if true {
            struct_ser.serialize_field("lastError", &self.last_error)?;
        }
        if let Some(v) = self.learned.as_ref() {
            struct_ser.serialize_field("learned", v)?;
        }
        if true {
            struct_ser.serialize_field("requests", &self.requests)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("writtenBytes", ToString::to_string(&self.written_bytes).as_str())?;
        }
        if let Some(v) = self.profiles.as_ref() {
            struct_ser.serialize_field("profiles", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Fleet {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "leader",
            "leads",
            "lead_time",
            "leadTime",
            "agents",
            "silent",
            "state",
            "last_error",
            "lastError",
            "learned",
            "requests",
            "written_bytes",
            "writtenBytes",
            "profiles",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Leader,
            Leads,
            LeadTime,
            Agents,
            Silent,
            State,
            LastError,
            Learned,
            Requests,
            WrittenBytes,
            Profiles,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "leader" => Ok(GeneratedField::Leader),
                            "leads" => Ok(GeneratedField::Leads),
                            "leadTime" | "lead_time" => Ok(GeneratedField::LeadTime),
                            "agents" => Ok(GeneratedField::Agents),
                            "silent" => Ok(GeneratedField::Silent),
                            "state" => Ok(GeneratedField::State),
                            "lastError" | "last_error" => Ok(GeneratedField::LastError),
                            "learned" => Ok(GeneratedField::Learned),
                            "requests" => Ok(GeneratedField::Requests),
                            "writtenBytes" | "written_bytes" => Ok(GeneratedField::WrittenBytes),
                            "profiles" => Ok(GeneratedField::Profiles),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Fleet;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Fleet")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Fleet, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut leader__ = None;
                let mut leads__ = None;
                let mut lead_time__ = None;
                let mut agents__ = None;
                let mut silent__ = None;
                let mut state__ = None;
                let mut last_error__ = None;
                let mut learned__ = None;
                let mut requests__ = None;
                let mut written_bytes__ = None;
                let mut profiles__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Leader => {
                            if leader__.is_some() {
                                return Err(serde::de::Error::duplicate_field("leader"));
                            }
                            leader__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Leads => {
                            if leads__.is_some() {
                                return Err(serde::de::Error::duplicate_field("leads"));
                            }
                            leads__ = Some(map_.next_value()?);
                        }
                        GeneratedField::LeadTime => {
                            if lead_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("leadTime"));
                            }
                            lead_time__ = map_.next_value()?;
                        }
                        GeneratedField::Agents => {
                            if agents__.is_some() {
                                return Err(serde::de::Error::duplicate_field("agents"));
                            }
                            agents__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Silent => {
                            if silent__.is_some() {
                                return Err(serde::de::Error::duplicate_field("silent"));
                            }
                            silent__ = Some(map_.next_value()?);
                        }
                        GeneratedField::State => {
                            if state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("state"));
                            }
                            state__ = Some(map_.next_value::<get_status_response::identity::source::State>()? as i32);
                        }
                        GeneratedField::LastError => {
                            if last_error__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastError"));
                            }
                            last_error__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Learned => {
                            if learned__.is_some() {
                                return Err(serde::de::Error::duplicate_field("learned"));
                            }
                            learned__ = map_.next_value()?;
                        }
                        GeneratedField::Requests => {
                            if requests__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requests"));
                            }
                            requests__ = Some(map_.next_value()?);
                        }
                        GeneratedField::WrittenBytes => {
                            if written_bytes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("writtenBytes"));
                            }
                            written_bytes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Profiles => {
                            if profiles__.is_some() {
                                return Err(serde::de::Error::duplicate_field("profiles"));
                            }
                            profiles__ = map_.next_value()?;
                        }
                    }
                }
                Ok(get_status_response::Fleet {
                    leader: leader__.unwrap_or_default(),
                    leads: leads__.unwrap_or_default(),
                    lead_time: lead_time__,
                    agents: agents__.unwrap_or_default(),
                    silent: silent__.unwrap_or_default(),
                    state: state__.unwrap_or_default(),
                    last_error: last_error__.unwrap_or_default(),
                    learned: learned__,
                    requests: requests__.unwrap_or_default(),
                    written_bytes: written_bytes__.unwrap_or_default(),
                    profiles: profiles__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Fleet", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::fleet::Agent {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Fleet.Agent", len)?;
        if true {
            struct_ser.serialize_field("node", &self.node)?;
        }
        if true {
            struct_ser.serialize_field("pod", &self.pod)?;
        }
        if true {
            struct_ser.serialize_field("address", &self.address)?;
        }
        if true {
            let v = get_status_response::fleet::agent::Link::try_from(self.link)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.link)))?;
            struct_ser.serialize_field("link", &v)?;
        }
        if let Some(v) = self.since.as_ref() {
            struct_ser.serialize_field("since", v)?;
        }
        if let Some(v) = self.heard_time.as_ref() {
            struct_ser.serialize_field("heardTime", v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("lagMilliseconds", ToString::to_string(&self.lag_milliseconds).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("relayed", ToString::to_string(&self.relayed).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("lost", ToString::to_string(&self.lost).as_str())?;
        }
        if true {
            struct_ser.serialize_field("lastError", &self.last_error)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::fleet::Agent {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "node",
            "pod",
            "address",
            "link",
            "since",
            "heard_time",
            "heardTime",
            "lag_milliseconds",
            "lagMilliseconds",
            "relayed",
            "lost",
            "last_error",
            "lastError",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Node,
            Pod,
            Address,
            Link,
            Since,
            HeardTime,
            LagMilliseconds,
            Relayed,
            Lost,
            LastError,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "node" => Ok(GeneratedField::Node),
                            "pod" => Ok(GeneratedField::Pod),
                            "address" => Ok(GeneratedField::Address),
                            "link" => Ok(GeneratedField::Link),
                            "since" => Ok(GeneratedField::Since),
                            "heardTime" | "heard_time" => Ok(GeneratedField::HeardTime),
                            "lagMilliseconds" | "lag_milliseconds" => Ok(GeneratedField::LagMilliseconds),
                            "relayed" => Ok(GeneratedField::Relayed),
                            "lost" => Ok(GeneratedField::Lost),
                            "lastError" | "last_error" => Ok(GeneratedField::LastError),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::fleet::Agent;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Fleet.Agent")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::fleet::Agent, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut node__ = None;
                let mut pod__ = None;
                let mut address__ = None;
                let mut link__ = None;
                let mut since__ = None;
                let mut heard_time__ = None;
                let mut lag_milliseconds__ = None;
                let mut relayed__ = None;
                let mut lost__ = None;
                let mut last_error__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Pod => {
                            if pod__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pod"));
                            }
                            pod__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Address => {
                            if address__.is_some() {
                                return Err(serde::de::Error::duplicate_field("address"));
                            }
                            address__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Link => {
                            if link__.is_some() {
                                return Err(serde::de::Error::duplicate_field("link"));
                            }
                            link__ = Some(map_.next_value::<get_status_response::fleet::agent::Link>()? as i32);
                        }
                        GeneratedField::Since => {
                            if since__.is_some() {
                                return Err(serde::de::Error::duplicate_field("since"));
                            }
                            since__ = map_.next_value()?;
                        }
                        GeneratedField::HeardTime => {
                            if heard_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("heardTime"));
                            }
                            heard_time__ = map_.next_value()?;
                        }
                        GeneratedField::LagMilliseconds => {
                            if lag_milliseconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lagMilliseconds"));
                            }
                            lag_milliseconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Relayed => {
                            if relayed__.is_some() {
                                return Err(serde::de::Error::duplicate_field("relayed"));
                            }
                            relayed__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Lost => {
                            if lost__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lost"));
                            }
                            lost__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::LastError => {
                            if last_error__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastError"));
                            }
                            last_error__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::fleet::Agent {
                    node: node__.unwrap_or_default(),
                    pod: pod__.unwrap_or_default(),
                    address: address__.unwrap_or_default(),
                    link: link__.unwrap_or_default(),
                    since: since__,
                    heard_time: heard_time__,
                    lag_milliseconds: lag_milliseconds__.unwrap_or_default(),
                    relayed: relayed__.unwrap_or_default(),
                    lost: lost__.unwrap_or_default(),
                    last_error: last_error__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Fleet.Agent", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::fleet::agent::Link {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "LINK_UNSPECIFIED",
            Self::Connected => "CONNECTED",
            Self::Away => "AWAY",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::fleet::agent::Link {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "LINK_UNSPECIFIED",
            "CONNECTED",
            "AWAY",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = get_status_response::fleet::agent::Link;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "LINK_UNSPECIFIED" => Ok(get_status_response::fleet::agent::Link::Unspecified),
                    "CONNECTED" => Ok(get_status_response::fleet::agent::Link::Connected),
                    "AWAY" => Ok(get_status_response::fleet::agent::Link::Away),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::fleet::Learned {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Fleet.Learned", len)?;
        if true {
            struct_ser.serialize_field("learning", &self.learning)?;
        }
        if true {
            struct_ser.serialize_field("ready", &self.ready)?;
        }
        if true {
            struct_ser.serialize_field("promoted", &self.promoted)?;
        }
        if true {
            struct_ser.serialize_field("workloadsMax", &self.workloads_max)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("bytes", ToString::to_string(&self.bytes).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("bytesMax", ToString::to_string(&self.bytes_max).as_str())?;
        }
        if true {
            struct_ser.serialize_field("nodes", &self.nodes)?;
        }
        if true {
            struct_ser.serialize_field("unwritten", &self.unwritten)?;
        }
        if true {
            struct_ser.serialize_field("failing", &self.failing)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("taken", ToString::to_string(&self.taken).as_str())?;
        }
        if true {
            struct_ser.serialize_field("refused", &self.refused)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::fleet::Learned {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "learning",
            "ready",
            "promoted",
            "workloads_max",
            "workloadsMax",
            "bytes",
            "bytes_max",
            "bytesMax",
            "nodes",
            "unwritten",
            "failing",
            "taken",
            "refused",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Learning,
            Ready,
            Promoted,
            WorkloadsMax,
            Bytes,
            BytesMax,
            Nodes,
            Unwritten,
            Failing,
            Taken,
            Refused,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "learning" => Ok(GeneratedField::Learning),
                            "ready" => Ok(GeneratedField::Ready),
                            "promoted" => Ok(GeneratedField::Promoted),
                            "workloadsMax" | "workloads_max" => Ok(GeneratedField::WorkloadsMax),
                            "bytes" => Ok(GeneratedField::Bytes),
                            "bytesMax" | "bytes_max" => Ok(GeneratedField::BytesMax),
                            "nodes" => Ok(GeneratedField::Nodes),
                            "unwritten" => Ok(GeneratedField::Unwritten),
                            "failing" => Ok(GeneratedField::Failing),
                            "taken" => Ok(GeneratedField::Taken),
                            "refused" => Ok(GeneratedField::Refused),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::fleet::Learned;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Fleet.Learned")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::fleet::Learned, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut learning__ = None;
                let mut ready__ = None;
                let mut promoted__ = None;
                let mut workloads_max__ = None;
                let mut bytes__ = None;
                let mut bytes_max__ = None;
                let mut nodes__ = None;
                let mut unwritten__ = None;
                let mut failing__ = None;
                let mut taken__ = None;
                let mut refused__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Learning => {
                            if learning__.is_some() {
                                return Err(serde::de::Error::duplicate_field("learning"));
                            }
                            learning__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Ready => {
                            if ready__.is_some() {
                                return Err(serde::de::Error::duplicate_field("ready"));
                            }
                            ready__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Promoted => {
                            if promoted__.is_some() {
                                return Err(serde::de::Error::duplicate_field("promoted"));
                            }
                            promoted__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::WorkloadsMax => {
                            if workloads_max__.is_some() {
                                return Err(serde::de::Error::duplicate_field("workloadsMax"));
                            }
                            workloads_max__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Bytes => {
                            if bytes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("bytes"));
                            }
                            bytes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::BytesMax => {
                            if bytes_max__.is_some() {
                                return Err(serde::de::Error::duplicate_field("bytesMax"));
                            }
                            bytes_max__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Nodes => {
                            if nodes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("nodes"));
                            }
                            nodes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Unwritten => {
                            if unwritten__.is_some() {
                                return Err(serde::de::Error::duplicate_field("unwritten"));
                            }
                            unwritten__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Failing => {
                            if failing__.is_some() {
                                return Err(serde::de::Error::duplicate_field("failing"));
                            }
                            failing__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Taken => {
                            if taken__.is_some() {
                                return Err(serde::de::Error::duplicate_field("taken"));
                            }
                            taken__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Refused => {
                            if refused__.is_some() {
                                return Err(serde::de::Error::duplicate_field("refused"));
                            }
                            refused__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::fleet::Learned {
                    learning: learning__.unwrap_or_default(),
                    ready: ready__.unwrap_or_default(),
                    promoted: promoted__.unwrap_or_default(),
                    workloads_max: workloads_max__.unwrap_or_default(),
                    bytes: bytes__.unwrap_or_default(),
                    bytes_max: bytes_max__.unwrap_or_default(),
                    nodes: nodes__.unwrap_or_default(),
                    unwritten: unwritten__.unwrap_or_default(),
                    failing: failing__.unwrap_or_default(),
                    taken: taken__.unwrap_or_default(),
                    refused: refused__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Fleet.Learned", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::fleet::Profiles {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Fleet.Profiles", len)?;
        if true {
            struct_ser.serialize_field("inForce", &self.in_force)?;
        }
        if true {
            struct_ser.serialize_field("notInForce", &self.not_in_force)?;
        }
        if true {
            struct_ser.serialize_field("notRunning", &self.not_running)?;
        }
        if true {
            struct_ser.serialize_field("refused", &self.refused)?;
        }
        if true {
            struct_ser.serialize_field("nodes", &self.nodes)?;
        }
        if true {
            struct_ser.serialize_field("unwritten", &self.unwritten)?;
        }
        if true {
            struct_ser.serialize_field("failing", &self.failing)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::fleet::Profiles {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "in_force",
            "inForce",
            "not_in_force",
            "notInForce",
            "not_running",
            "notRunning",
            "refused",
            "nodes",
            "unwritten",
            "failing",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            InForce,
            NotInForce,
            NotRunning,
            Refused,
            Nodes,
            Unwritten,
            Failing,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "inForce" | "in_force" => Ok(GeneratedField::InForce),
                            "notInForce" | "not_in_force" => Ok(GeneratedField::NotInForce),
                            "notRunning" | "not_running" => Ok(GeneratedField::NotRunning),
                            "refused" => Ok(GeneratedField::Refused),
                            "nodes" => Ok(GeneratedField::Nodes),
                            "unwritten" => Ok(GeneratedField::Unwritten),
                            "failing" => Ok(GeneratedField::Failing),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::fleet::Profiles;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Fleet.Profiles")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::fleet::Profiles, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut in_force__ = None;
                let mut not_in_force__ = None;
                let mut not_running__ = None;
                let mut refused__ = None;
                let mut nodes__ = None;
                let mut unwritten__ = None;
                let mut failing__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::InForce => {
                            if in_force__.is_some() {
                                return Err(serde::de::Error::duplicate_field("inForce"));
                            }
                            in_force__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::NotInForce => {
                            if not_in_force__.is_some() {
                                return Err(serde::de::Error::duplicate_field("notInForce"));
                            }
                            not_in_force__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::NotRunning => {
                            if not_running__.is_some() {
                                return Err(serde::de::Error::duplicate_field("notRunning"));
                            }
                            not_running__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Refused => {
                            if refused__.is_some() {
                                return Err(serde::de::Error::duplicate_field("refused"));
                            }
                            refused__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Nodes => {
                            if nodes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("nodes"));
                            }
                            nodes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Unwritten => {
                            if unwritten__.is_some() {
                                return Err(serde::de::Error::duplicate_field("unwritten"));
                            }
                            unwritten__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Failing => {
                            if failing__.is_some() {
                                return Err(serde::de::Error::duplicate_field("failing"));
                            }
                            failing__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::fleet::Profiles {
                    in_force: in_force__.unwrap_or_default(),
                    not_in_force: not_in_force__.unwrap_or_default(),
                    not_running: not_running__.unwrap_or_default(),
                    refused: refused__.unwrap_or_default(),
                    nodes: nodes__.unwrap_or_default(),
                    unwritten: unwritten__.unwrap_or_default(),
                    failing: failing__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Fleet.Profiles", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::fleet::Request {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Fleet.Request", len)?;
        if true {
            struct_ser.serialize_field("verb", &self.verb)?;
        }
        if true {
            struct_ser.serialize_field("result", &self.result)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("count", ToString::to_string(&self.count).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::fleet::Request {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "verb",
            "result",
            "count",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Verb,
            Result,
            Count,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "verb" => Ok(GeneratedField::Verb),
                            "result" => Ok(GeneratedField::Result),
                            "count" => Ok(GeneratedField::Count),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::fleet::Request;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Fleet.Request")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::fleet::Request, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut verb__ = None;
                let mut result__ = None;
                let mut count__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Verb => {
                            if verb__.is_some() {
                                return Err(serde::de::Error::duplicate_field("verb"));
                            }
                            verb__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Result => {
                            if result__.is_some() {
                                return Err(serde::de::Error::duplicate_field("result"));
                            }
                            result__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Count => {
                            if count__.is_some() {
                                return Err(serde::de::Error::duplicate_field("count"));
                            }
                            count__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::fleet::Request {
                    verb: verb__.unwrap_or_default(),
                    result: result__.unwrap_or_default(),
                    count: count__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Fleet.Request", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::fleet::Silent {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Fleet.Silent", len)?;
        if true {
            struct_ser.serialize_field("node", &self.node)?;
        }
        if let Some(v) = self.since.as_ref() {
            struct_ser.serialize_field("since", v)?;
        }
        if true {
            struct_ser.serialize_field("detail", &self.detail)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::fleet::Silent {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "node",
            "since",
            "detail",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Node,
            Since,
            Detail,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "node" => Ok(GeneratedField::Node),
                            "since" => Ok(GeneratedField::Since),
                            "detail" => Ok(GeneratedField::Detail),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::fleet::Silent;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Fleet.Silent")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::fleet::Silent, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut node__ = None;
                let mut since__ = None;
                let mut detail__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Since => {
                            if since__.is_some() {
                                return Err(serde::de::Error::duplicate_field("since"));
                            }
                            since__ = map_.next_value()?;
                        }
                        GeneratedField::Detail => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("detail"));
                            }
                            detail__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::fleet::Silent {
                    node: node__.unwrap_or_default(),
                    since: since__,
                    detail: detail__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Fleet.Silent", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Held {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Held", len)?;
        if true {
            struct_ser.serialize_field("containers", &self.containers)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("behaviours", ToString::to_string(&self.behaviours).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("repeats", ToString::to_string(&self.repeats).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("refused", ToString::to_string(&self.refused).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Held {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "containers",
            "behaviours",
            "repeats",
            "refused",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Containers,
            Behaviours,
            Repeats,
            Refused,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "containers" => Ok(GeneratedField::Containers),
                            "behaviours" => Ok(GeneratedField::Behaviours),
                            "repeats" => Ok(GeneratedField::Repeats),
                            "refused" => Ok(GeneratedField::Refused),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Held;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Held")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Held, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut containers__ = None;
                let mut behaviours__ = None;
                let mut repeats__ = None;
                let mut refused__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Containers => {
                            if containers__.is_some() {
                                return Err(serde::de::Error::duplicate_field("containers"));
                            }
                            containers__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Behaviours => {
                            if behaviours__.is_some() {
                                return Err(serde::de::Error::duplicate_field("behaviours"));
                            }
                            behaviours__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Repeats => {
                            if repeats__.is_some() {
                                return Err(serde::de::Error::duplicate_field("repeats"));
                            }
                            repeats__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Refused => {
                            if refused__.is_some() {
                                return Err(serde::de::Error::duplicate_field("refused"));
                            }
                            refused__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::Held {
                    containers: containers__.unwrap_or_default(),
                    behaviours: behaviours__.unwrap_or_default(),
                    repeats: repeats__.unwrap_or_default(),
                    refused: refused__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Held", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Hook {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Hook", len)?;
        if true {
            struct_ser.serialize_field("row", &self.row)?;
        }
        if true {
            struct_ser.serialize_field("tier", &self.tier)?;
        }
        if true {
            struct_ser.serialize_field("target", &self.target)?;
        }
        if true {
            struct_ser.serialize_field("misses", &self.misses)?;
        }
        if true {
            struct_ser.serialize_field("refused", &self.refused)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("hits", ToString::to_string(&self.hits).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("recalled", ToString::to_string(&self.recalled).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Hook {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "row",
            "tier",
            "target",
            "misses",
            "refused",
            "hits",
            "recalled",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Row,
            Tier,
            Target,
            Misses,
            Refused,
            Hits,
            Recalled,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "row" => Ok(GeneratedField::Row),
                            "tier" => Ok(GeneratedField::Tier),
                            "target" => Ok(GeneratedField::Target),
                            "misses" => Ok(GeneratedField::Misses),
                            "refused" => Ok(GeneratedField::Refused),
                            "hits" => Ok(GeneratedField::Hits),
                            "recalled" => Ok(GeneratedField::Recalled),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Hook;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Hook")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Hook, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut row__ = None;
                let mut tier__ = None;
                let mut target__ = None;
                let mut misses__ = None;
                let mut refused__ = None;
                let mut hits__ = None;
                let mut recalled__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Row => {
                            if row__.is_some() {
                                return Err(serde::de::Error::duplicate_field("row"));
                            }
                            row__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Tier => {
                            if tier__.is_some() {
                                return Err(serde::de::Error::duplicate_field("tier"));
                            }
                            tier__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Target => {
                            if target__.is_some() {
                                return Err(serde::de::Error::duplicate_field("target"));
                            }
                            target__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Misses => {
                            if misses__.is_some() {
                                return Err(serde::de::Error::duplicate_field("misses"));
                            }
                            misses__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Refused => {
                            if refused__.is_some() {
                                return Err(serde::de::Error::duplicate_field("refused"));
                            }
                            refused__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Hits => {
                            if hits__.is_some() {
                                return Err(serde::de::Error::duplicate_field("hits"));
                            }
                            hits__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Recalled => {
                            if recalled__.is_some() {
                                return Err(serde::de::Error::duplicate_field("recalled"));
                            }
                            recalled__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::Hook {
                    row: row__.unwrap_or_default(),
                    tier: tier__.unwrap_or_default(),
                    target: target__.unwrap_or_default(),
                    misses: misses__.unwrap_or_default(),
                    refused: refused__.unwrap_or_default(),
                    hits: hits__.unwrap_or_default(),
                    recalled: recalled__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Hook", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Identity {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Identity", len)?;
        if true {
            struct_ser.serialize_field("sources", &self.sources)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("asked", ToString::to_string(&self.asked).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("told", ToString::to_string(&self.told).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("unknown", ToString::to_string(&self.unknown).as_str())?;
        }
        if true {
            struct_ser.serialize_field("waiting", &self.waiting)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("refused", ToString::to_string(&self.refused).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("late", ToString::to_string(&self.late).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Identity {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "sources",
            "asked",
            "told",
            "unknown",
            "waiting",
            "refused",
            "late",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Sources,
            Asked,
            Told,
            Unknown,
            Waiting,
            Refused,
            Late,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "sources" => Ok(GeneratedField::Sources),
                            "asked" => Ok(GeneratedField::Asked),
                            "told" => Ok(GeneratedField::Told),
                            "unknown" => Ok(GeneratedField::Unknown),
                            "waiting" => Ok(GeneratedField::Waiting),
                            "refused" => Ok(GeneratedField::Refused),
                            "late" => Ok(GeneratedField::Late),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Identity;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Identity")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Identity, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut sources__ = None;
                let mut asked__ = None;
                let mut told__ = None;
                let mut unknown__ = None;
                let mut waiting__ = None;
                let mut refused__ = None;
                let mut late__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Sources => {
                            if sources__.is_some() {
                                return Err(serde::de::Error::duplicate_field("sources"));
                            }
                            sources__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Asked => {
                            if asked__.is_some() {
                                return Err(serde::de::Error::duplicate_field("asked"));
                            }
                            asked__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Told => {
                            if told__.is_some() {
                                return Err(serde::de::Error::duplicate_field("told"));
                            }
                            told__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Unknown => {
                            if unknown__.is_some() {
                                return Err(serde::de::Error::duplicate_field("unknown"));
                            }
                            unknown__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Waiting => {
                            if waiting__.is_some() {
                                return Err(serde::de::Error::duplicate_field("waiting"));
                            }
                            waiting__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Refused => {
                            if refused__.is_some() {
                                return Err(serde::de::Error::duplicate_field("refused"));
                            }
                            refused__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Late => {
                            if late__.is_some() {
                                return Err(serde::de::Error::duplicate_field("late"));
                            }
                            late__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::Identity {
                    sources: sources__.unwrap_or_default(),
                    asked: asked__.unwrap_or_default(),
                    told: told__.unwrap_or_default(),
                    unknown: unknown__.unwrap_or_default(),
                    waiting: waiting__.unwrap_or_default(),
                    refused: refused__.unwrap_or_default(),
                    late: late__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Identity", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::identity::Source {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Identity.Source", len)?;
        if true {
            struct_ser.serialize_field("protocol", &self.protocol)?;
        }
        if true {
            struct_ser.serialize_field("path", &self.path)?;
        }
        if true {
            let v = get_status_response::identity::source::State::try_from(self.state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.state)))?;
            struct_ser.serialize_field("state", &v)?;
        }
        if true {
            struct_ser.serialize_field("runtime", &self.runtime)?;
        }
        if let Some(v) = self.since.as_ref() {
            struct_ser.serialize_field("since", v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("told", ToString::to_string(&self.told).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("failed", ToString::to_string(&self.failed).as_str())?;
        }
        if true {
            struct_ser.serialize_field("lastError", &self.last_error)?;
        }
        if let Some(v) = self.heard_time.as_ref() {
            struct_ser.serialize_field("heardTime", v)?;
        }
        if true {
            struct_ser.serialize_field("pods", &self.pods)?;
        }
        if true {
            struct_ser.serialize_field("toldBefore", &self.told_before)?;
        }
        if let Some(v) = self.told_before_time.as_ref() {
            struct_ser.serialize_field("toldBeforeTime", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::identity::Source {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "protocol",
            "path",
            "state",
            "runtime",
            "since",
            "told",
            "failed",
            "last_error",
            "lastError",
            "heard_time",
            "heardTime",
            "pods",
            "told_before",
            "toldBefore",
            "told_before_time",
            "toldBeforeTime",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Protocol,
            Path,
            State,
            Runtime,
            Since,
            Told,
            Failed,
            LastError,
            HeardTime,
            Pods,
            ToldBefore,
            ToldBeforeTime,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "protocol" => Ok(GeneratedField::Protocol),
                            "path" => Ok(GeneratedField::Path),
                            "state" => Ok(GeneratedField::State),
                            "runtime" => Ok(GeneratedField::Runtime),
                            "since" => Ok(GeneratedField::Since),
                            "told" => Ok(GeneratedField::Told),
                            "failed" => Ok(GeneratedField::Failed),
                            "lastError" | "last_error" => Ok(GeneratedField::LastError),
                            "heardTime" | "heard_time" => Ok(GeneratedField::HeardTime),
                            "pods" => Ok(GeneratedField::Pods),
                            "toldBefore" | "told_before" => Ok(GeneratedField::ToldBefore),
                            "toldBeforeTime" | "told_before_time" => Ok(GeneratedField::ToldBeforeTime),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::identity::Source;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Identity.Source")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::identity::Source, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut protocol__ = None;
                let mut path__ = None;
                let mut state__ = None;
                let mut runtime__ = None;
                let mut since__ = None;
                let mut told__ = None;
                let mut failed__ = None;
                let mut last_error__ = None;
                let mut heard_time__ = None;
                let mut pods__ = None;
                let mut told_before__ = None;
                let mut told_before_time__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Protocol => {
                            if protocol__.is_some() {
                                return Err(serde::de::Error::duplicate_field("protocol"));
                            }
                            protocol__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Path => {
                            if path__.is_some() {
                                return Err(serde::de::Error::duplicate_field("path"));
                            }
                            path__ = Some(map_.next_value()?);
                        }
                        GeneratedField::State => {
                            if state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("state"));
                            }
                            state__ = Some(map_.next_value::<get_status_response::identity::source::State>()? as i32);
                        }
                        GeneratedField::Runtime => {
                            if runtime__.is_some() {
                                return Err(serde::de::Error::duplicate_field("runtime"));
                            }
                            runtime__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Since => {
                            if since__.is_some() {
                                return Err(serde::de::Error::duplicate_field("since"));
                            }
                            since__ = map_.next_value()?;
                        }
                        GeneratedField::Told => {
                            if told__.is_some() {
                                return Err(serde::de::Error::duplicate_field("told"));
                            }
                            told__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Failed => {
                            if failed__.is_some() {
                                return Err(serde::de::Error::duplicate_field("failed"));
                            }
                            failed__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::LastError => {
                            if last_error__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastError"));
                            }
                            last_error__ = Some(map_.next_value()?);
                        }
                        GeneratedField::HeardTime => {
                            if heard_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("heardTime"));
                            }
                            heard_time__ = map_.next_value()?;
                        }
                        GeneratedField::Pods => {
                            if pods__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pods"));
                            }
                            pods__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ToldBefore => {
                            if told_before__.is_some() {
                                return Err(serde::de::Error::duplicate_field("toldBefore"));
                            }
                            told_before__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ToldBeforeTime => {
                            if told_before_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("toldBeforeTime"));
                            }
                            told_before_time__ = map_.next_value()?;
                        }
                    }
                }
                Ok(get_status_response::identity::Source {
                    protocol: protocol__.unwrap_or_default(),
                    path: path__.unwrap_or_default(),
                    state: state__.unwrap_or_default(),
                    runtime: runtime__.unwrap_or_default(),
                    since: since__,
                    told: told__.unwrap_or_default(),
                    failed: failed__.unwrap_or_default(),
                    last_error: last_error__.unwrap_or_default(),
                    heard_time: heard_time__,
                    pods: pods__.unwrap_or_default(),
                    told_before: told_before__.unwrap_or_default(),
                    told_before_time: told_before_time__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Identity.Source", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::identity::source::State {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "STATE_UNSPECIFIED",
            Self::Connected => "CONNECTED",
            Self::Retrying => "RETRYING",
            Self::Absent => "ABSENT",
            Self::Unsuitable => "UNSUITABLE",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::identity::source::State {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "STATE_UNSPECIFIED",
            "CONNECTED",
            "RETRYING",
            "ABSENT",
            "UNSUITABLE",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = get_status_response::identity::source::State;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "STATE_UNSPECIFIED" => Ok(get_status_response::identity::source::State::Unspecified),
                    "CONNECTED" => Ok(get_status_response::identity::source::State::Connected),
                    "RETRYING" => Ok(get_status_response::identity::source::State::Retrying),
                    "ABSENT" => Ok(get_status_response::identity::source::State::Absent),
                    "UNSUITABLE" => Ok(get_status_response::identity::source::State::Unsuitable),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Judged {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Judged", len)?;
        if true {
            struct_ser.serialize_field("kind", &self.kind)?;
        }
        if true {
            let v = behaviour::Outcome::try_from(self.outcome)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.outcome)))?;
            struct_ser.serialize_field("outcome", &v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("count", ToString::to_string(&self.count).as_str())?;
        }
        if true {
            struct_ser.serialize_field("hook", &self.hook)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Judged {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "kind",
            "outcome",
            "count",
            "hook",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Kind,
            Outcome,
            Count,
            Hook,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "kind" => Ok(GeneratedField::Kind),
                            "outcome" => Ok(GeneratedField::Outcome),
                            "count" => Ok(GeneratedField::Count),
                            "hook" => Ok(GeneratedField::Hook),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Judged;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Judged")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Judged, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut kind__ = None;
                let mut outcome__ = None;
                let mut count__ = None;
                let mut hook__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Kind => {
                            if kind__.is_some() {
                                return Err(serde::de::Error::duplicate_field("kind"));
                            }
                            kind__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Outcome => {
                            if outcome__.is_some() {
                                return Err(serde::de::Error::duplicate_field("outcome"));
                            }
                            outcome__ = Some(map_.next_value::<behaviour::Outcome>()? as i32);
                        }
                        GeneratedField::Count => {
                            if count__.is_some() {
                                return Err(serde::de::Error::duplicate_field("count"));
                            }
                            count__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Hook => {
                            if hook__.is_some() {
                                return Err(serde::de::Error::duplicate_field("hook"));
                            }
                            hook__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::Judged {
                    kind: kind__.unwrap_or_default(),
                    outcome: outcome__.unwrap_or_default(),
                    count: count__.unwrap_or_default(),
                    hook: hook__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Judged", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Listener {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Listener", len)?;
        if true {
            struct_ser.serialize_field("address", &self.address)?;
        }
        if true {
            struct_ser.serialize_field("insecure", &self.insecure)?;
        }
        if true {
            struct_ser.serialize_field("connections", &self.connections)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("refused", ToString::to_string(&self.refused).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("denied", ToString::to_string(&self.denied).as_str())?;
        }
        if let Some(v) = self.certificate_expires.as_ref() {
            struct_ser.serialize_field("certificateExpires", v)?;
        }
        if true {
            struct_ser.serialize_field("trouble", &self.trouble)?;
        }
        if true {
            struct_ser.serialize_field("waiting", &self.waiting)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Listener {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "address",
            "insecure",
            "connections",
            "refused",
            "denied",
            "certificate_expires",
            "certificateExpires",
            "trouble",
            "waiting",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Address,
            Insecure,
            Connections,
            Refused,
            Denied,
            CertificateExpires,
            Trouble,
            Waiting,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "address" => Ok(GeneratedField::Address),
                            "insecure" => Ok(GeneratedField::Insecure),
                            "connections" => Ok(GeneratedField::Connections),
                            "refused" => Ok(GeneratedField::Refused),
                            "denied" => Ok(GeneratedField::Denied),
                            "certificateExpires" | "certificate_expires" => Ok(GeneratedField::CertificateExpires),
                            "trouble" => Ok(GeneratedField::Trouble),
                            "waiting" => Ok(GeneratedField::Waiting),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Listener;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Listener")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Listener, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut address__ = None;
                let mut insecure__ = None;
                let mut connections__ = None;
                let mut refused__ = None;
                let mut denied__ = None;
                let mut certificate_expires__ = None;
                let mut trouble__ = None;
                let mut waiting__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Address => {
                            if address__.is_some() {
                                return Err(serde::de::Error::duplicate_field("address"));
                            }
                            address__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Insecure => {
                            if insecure__.is_some() {
                                return Err(serde::de::Error::duplicate_field("insecure"));
                            }
                            insecure__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Connections => {
                            if connections__.is_some() {
                                return Err(serde::de::Error::duplicate_field("connections"));
                            }
                            connections__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Refused => {
                            if refused__.is_some() {
                                return Err(serde::de::Error::duplicate_field("refused"));
                            }
                            refused__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Denied => {
                            if denied__.is_some() {
                                return Err(serde::de::Error::duplicate_field("denied"));
                            }
                            denied__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::CertificateExpires => {
                            if certificate_expires__.is_some() {
                                return Err(serde::de::Error::duplicate_field("certificateExpires"));
                            }
                            certificate_expires__ = map_.next_value()?;
                        }
                        GeneratedField::Trouble => {
                            if trouble__.is_some() {
                                return Err(serde::de::Error::duplicate_field("trouble"));
                            }
                            trouble__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Waiting => {
                            if waiting__.is_some() {
                                return Err(serde::de::Error::duplicate_field("waiting"));
                            }
                            waiting__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::Listener {
                    address: address__.unwrap_or_default(),
                    insecure: insecure__.unwrap_or_default(),
                    connections: connections__.unwrap_or_default(),
                    refused: refused__.unwrap_or_default(),
                    denied: denied__.unwrap_or_default(),
                    certificate_expires: certificate_expires__,
                    trouble: trouble__.unwrap_or_default(),
                    waiting: waiting__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Listener", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Loss {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Loss", len)?;
        if true {
            struct_ser.serialize_field("reason", &self.reason)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("count", ToString::to_string(&self.count).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Loss {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "reason",
            "count",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Reason,
            Count,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "reason" => Ok(GeneratedField::Reason),
                            "count" => Ok(GeneratedField::Count),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Loss;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Loss")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Loss, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut reason__ = None;
                let mut count__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Count => {
                            if count__.is_some() {
                                return Err(serde::de::Error::duplicate_field("count"));
                            }
                            count__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::Loss {
                    reason: reason__.unwrap_or_default(),
                    count: count__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Loss", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Reported {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Reported", len)?;
        if true {
            struct_ser.serialize_field("rule", &self.rule)?;
        }
        if true {
            let v = violation::Severity::try_from(self.severity)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.severity)))?;
            struct_ser.serialize_field("severity", &v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("count", ToString::to_string(&self.count).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Reported {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "rule",
            "severity",
            "count",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Rule,
            Severity,
            Count,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "rule" => Ok(GeneratedField::Rule),
                            "severity" => Ok(GeneratedField::Severity),
                            "count" => Ok(GeneratedField::Count),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Reported;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Reported")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Reported, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut rule__ = None;
                let mut severity__ = None;
                let mut count__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Rule => {
                            if rule__.is_some() {
                                return Err(serde::de::Error::duplicate_field("rule"));
                            }
                            rule__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Severity => {
                            if severity__.is_some() {
                                return Err(serde::de::Error::duplicate_field("severity"));
                            }
                            severity__ = Some(map_.next_value::<violation::Severity>()? as i32);
                        }
                        GeneratedField::Count => {
                            if count__.is_some() {
                                return Err(serde::de::Error::duplicate_field("count"));
                            }
                            count__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::Reported {
                    rule: rule__.unwrap_or_default(),
                    severity: severity__.unwrap_or_default(),
                    count: count__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Reported", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Sink {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Sink", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("transport", &self.transport)?;
        }
        if true {
            struct_ser.serialize_field("encoding", &self.encoding)?;
        }
        if true {
            struct_ser.serialize_field("target", &self.target)?;
        }
        if true {
            let v = get_status_response::sink::State::try_from(self.state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.state)))?;
            struct_ser.serialize_field("state", &v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("delivered", ToString::to_string(&self.delivered).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("bytes", ToString::to_string(&self.bytes).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("retried", ToString::to_string(&self.retried).as_str())?;
        }
        if true {
            struct_ser.serialize_field("refused", &self.refused)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("behind", ToString::to_string(&self.behind).as_str())?;
        }
        if true {
            struct_ser.serialize_field("lastError", &self.last_error)?;
        }
        if let Some(v) = self.last_error_time.as_ref() {
            struct_ser.serialize_field("lastErrorTime", v)?;
        }
        if let Some(v) = self.last_delivered.as_ref() {
            struct_ser.serialize_field("lastDelivered", v)?;
        }
        if true {
            struct_ser.serialize_field("position", &self.position)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Sink {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "transport",
            "encoding",
            "target",
            "state",
            "delivered",
            "bytes",
            "retried",
            "refused",
            "behind",
            "last_error",
            "lastError",
            "last_error_time",
            "lastErrorTime",
            "last_delivered",
            "lastDelivered",
            "position",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Transport,
            Encoding,
            Target,
            State,
            Delivered,
            Bytes,
            Retried,
            Refused,
            Behind,
            LastError,
            LastErrorTime,
            LastDelivered,
            Position,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "transport" => Ok(GeneratedField::Transport),
                            "encoding" => Ok(GeneratedField::Encoding),
                            "target" => Ok(GeneratedField::Target),
                            "state" => Ok(GeneratedField::State),
                            "delivered" => Ok(GeneratedField::Delivered),
                            "bytes" => Ok(GeneratedField::Bytes),
                            "retried" => Ok(GeneratedField::Retried),
                            "refused" => Ok(GeneratedField::Refused),
                            "behind" => Ok(GeneratedField::Behind),
                            "lastError" | "last_error" => Ok(GeneratedField::LastError),
                            "lastErrorTime" | "last_error_time" => Ok(GeneratedField::LastErrorTime),
                            "lastDelivered" | "last_delivered" => Ok(GeneratedField::LastDelivered),
                            "position" => Ok(GeneratedField::Position),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Sink;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Sink")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Sink, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut transport__ = None;
                let mut encoding__ = None;
                let mut target__ = None;
                let mut state__ = None;
                let mut delivered__ = None;
                let mut bytes__ = None;
                let mut retried__ = None;
                let mut refused__ = None;
                let mut behind__ = None;
                let mut last_error__ = None;
                let mut last_error_time__ = None;
                let mut last_delivered__ = None;
                let mut position__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Transport => {
                            if transport__.is_some() {
                                return Err(serde::de::Error::duplicate_field("transport"));
                            }
                            transport__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Encoding => {
                            if encoding__.is_some() {
                                return Err(serde::de::Error::duplicate_field("encoding"));
                            }
                            encoding__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Target => {
                            if target__.is_some() {
                                return Err(serde::de::Error::duplicate_field("target"));
                            }
                            target__ = Some(map_.next_value()?);
                        }
                        GeneratedField::State => {
                            if state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("state"));
                            }
                            state__ = Some(map_.next_value::<get_status_response::sink::State>()? as i32);
                        }
                        GeneratedField::Delivered => {
                            if delivered__.is_some() {
                                return Err(serde::de::Error::duplicate_field("delivered"));
                            }
                            delivered__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Bytes => {
                            if bytes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("bytes"));
                            }
                            bytes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Retried => {
                            if retried__.is_some() {
                                return Err(serde::de::Error::duplicate_field("retried"));
                            }
                            retried__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Refused => {
                            if refused__.is_some() {
                                return Err(serde::de::Error::duplicate_field("refused"));
                            }
                            refused__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Behind => {
                            if behind__.is_some() {
                                return Err(serde::de::Error::duplicate_field("behind"));
                            }
                            behind__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::LastError => {
                            if last_error__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastError"));
                            }
                            last_error__ = Some(map_.next_value()?);
                        }
                        GeneratedField::LastErrorTime => {
                            if last_error_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastErrorTime"));
                            }
                            last_error_time__ = map_.next_value()?;
                        }
                        GeneratedField::LastDelivered => {
                            if last_delivered__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastDelivered"));
                            }
                            last_delivered__ = map_.next_value()?;
                        }
                        GeneratedField::Position => {
                            if position__.is_some() {
                                return Err(serde::de::Error::duplicate_field("position"));
                            }
                            position__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(get_status_response::Sink {
                    name: name__.unwrap_or_default(),
                    transport: transport__.unwrap_or_default(),
                    encoding: encoding__.unwrap_or_default(),
                    target: target__.unwrap_or_default(),
                    state: state__.unwrap_or_default(),
                    delivered: delivered__.unwrap_or_default(),
                    bytes: bytes__.unwrap_or_default(),
                    retried: retried__.unwrap_or_default(),
                    refused: refused__.unwrap_or_default(),
                    behind: behind__.unwrap_or_default(),
                    last_error: last_error__.unwrap_or_default(),
                    last_error_time: last_error_time__,
                    last_delivered: last_delivered__,
                    position: position__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Sink", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::sink::State {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "STATE_UNSPECIFIED",
            Self::Delivering => "DELIVERING",
            Self::Retrying => "RETRYING",
            Self::Blocked => "BLOCKED",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::sink::State {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "STATE_UNSPECIFIED",
            "DELIVERING",
            "RETRYING",
            "BLOCKED",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = get_status_response::sink::State;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "STATE_UNSPECIFIED" => Ok(get_status_response::sink::State::Unspecified),
                    "DELIVERING" => Ok(get_status_response::sink::State::Delivering),
                    "RETRYING" => Ok(get_status_response::sink::State::Retrying),
                    "BLOCKED" => Ok(get_status_response::sink::State::Blocked),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Sizes {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Sizes", len)?;
        if true {
            struct_ser.serialize_field("ringBytes", &self.ring_bytes)?;
        }
        if true {
            struct_ser.serialize_field("behaviours", &self.behaviours)?;
        }
        if true {
            struct_ser.serialize_field("processes", &self.processes)?;
        }
        if true {
            struct_ser.serialize_field("cgroups", &self.cgroups)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Sizes {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "ring_bytes",
            "ringBytes",
            "behaviours",
            "processes",
            "cgroups",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            RingBytes,
            Behaviours,
            Processes,
            Cgroups,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "ringBytes" | "ring_bytes" => Ok(GeneratedField::RingBytes),
                            "behaviours" => Ok(GeneratedField::Behaviours),
                            "processes" => Ok(GeneratedField::Processes),
                            "cgroups" => Ok(GeneratedField::Cgroups),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Sizes;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Sizes")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Sizes, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut ring_bytes__ = None;
                let mut behaviours__ = None;
                let mut processes__ = None;
                let mut cgroups__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::RingBytes => {
                            if ring_bytes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("ringBytes"));
                            }
                            ring_bytes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Behaviours => {
                            if behaviours__.is_some() {
                                return Err(serde::de::Error::duplicate_field("behaviours"));
                            }
                            behaviours__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Processes => {
                            if processes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("processes"));
                            }
                            processes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Cgroups => {
                            if cgroups__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cgroups"));
                            }
                            cgroups__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::Sizes {
                    ring_bytes: ring_bytes__.unwrap_or_default(),
                    behaviours: behaviours__.unwrap_or_default(),
                    processes: processes__.unwrap_or_default(),
                    cgroups: cgroups__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Sizes", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Spool {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Spool", len)?;
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("bytes", ToString::to_string(&self.bytes).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("segments", ToString::to_string(&self.segments).as_str())?;
        }
        if let Some(v) = self.oldest.as_ref() {
            struct_ser.serialize_field("oldest", v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("writtenBytes", ToString::to_string(&self.written_bytes).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Spool {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "bytes",
            "segments",
            "oldest",
            "written_bytes",
            "writtenBytes",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Bytes,
            Segments,
            Oldest,
            WrittenBytes,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "bytes" => Ok(GeneratedField::Bytes),
                            "segments" => Ok(GeneratedField::Segments),
                            "oldest" => Ok(GeneratedField::Oldest),
                            "writtenBytes" | "written_bytes" => Ok(GeneratedField::WrittenBytes),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Spool;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Spool")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Spool, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut bytes__ = None;
                let mut segments__ = None;
                let mut oldest__ = None;
                let mut written_bytes__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Bytes => {
                            if bytes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("bytes"));
                            }
                            bytes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Segments => {
                            if segments__.is_some() {
                                return Err(serde::de::Error::duplicate_field("segments"));
                            }
                            segments__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Oldest => {
                            if oldest__.is_some() {
                                return Err(serde::de::Error::duplicate_field("oldest"));
                            }
                            oldest__ = map_.next_value()?;
                        }
                        GeneratedField::WrittenBytes => {
                            if written_bytes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("writtenBytes"));
                            }
                            written_bytes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::Spool {
                    bytes: bytes__.unwrap_or_default(),
                    segments: segments__.unwrap_or_default(),
                    oldest: oldest__,
                    written_bytes: written_bytes__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Spool", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Table {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Table", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("entries", &self.entries)?;
        }
        if true {
            struct_ser.serialize_field("entriesMax", &self.entries_max)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Table {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "entries",
            "entries_max",
            "entriesMax",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Entries,
            EntriesMax,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "entries" => Ok(GeneratedField::Entries),
                            "entriesMax" | "entries_max" => Ok(GeneratedField::EntriesMax),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Table;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Table")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Table, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut entries__ = None;
                let mut entries_max__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Entries => {
                            if entries__.is_some() {
                                return Err(serde::de::Error::duplicate_field("entries"));
                            }
                            entries__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::EntriesMax => {
                            if entries_max__.is_some() {
                                return Err(serde::de::Error::duplicate_field("entriesMax"));
                            }
                            entries_max__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::Table {
                    name: name__.unwrap_or_default(),
                    entries: entries__.unwrap_or_default(),
                    entries_max: entries_max__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Table", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for get_status_response::Watch {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.GetStatusResponse.Watch", len)?;
        if true {
            struct_ser.serialize_field("what", &self.what)?;
        }
        if true {
            let v = get_status_response::identity::source::State::try_from(self.state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.state)))?;
            struct_ser.serialize_field("state", &v)?;
        }
        if let Some(v) = self.heard_time.as_ref() {
            struct_ser.serialize_field("heardTime", v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("leftOut", ToString::to_string(&self.left_out).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for get_status_response::Watch {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "what",
            "state",
            "heard_time",
            "heardTime",
            "left_out",
            "leftOut",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            What,
            State,
            HeardTime,
            LeftOut,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "what" => Ok(GeneratedField::What),
                            "state" => Ok(GeneratedField::State),
                            "heardTime" | "heard_time" => Ok(GeneratedField::HeardTime),
                            "leftOut" | "left_out" => Ok(GeneratedField::LeftOut),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = get_status_response::Watch;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.GetStatusResponse.Watch")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<get_status_response::Watch, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut what__ = None;
                let mut state__ = None;
                let mut heard_time__ = None;
                let mut left_out__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::What => {
                            if what__.is_some() {
                                return Err(serde::de::Error::duplicate_field("what"));
                            }
                            what__ = Some(map_.next_value()?);
                        }
                        GeneratedField::State => {
                            if state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("state"));
                            }
                            state__ = Some(map_.next_value::<get_status_response::identity::source::State>()? as i32);
                        }
                        GeneratedField::HeardTime => {
                            if heard_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("heardTime"));
                            }
                            heard_time__ = map_.next_value()?;
                        }
                        GeneratedField::LeftOut => {
                            if left_out__.is_some() {
                                return Err(serde::de::Error::duplicate_field("leftOut"));
                            }
                            left_out__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(get_status_response::Watch {
                    what: what__.unwrap_or_default(),
                    state: state__.unwrap_or_default(),
                    heard_time: heard_time__,
                    left_out: left_out__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.GetStatusResponse.Watch", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Heartbeat {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Heartbeat", len)?;
        if let Some(v) = self.time.as_ref() {
            struct_ser.serialize_field("time", v)?;
        }
        if true {
            struct_ser.serialize_field("node", &self.node)?;
        }
        if true {
            struct_ser.serialize_field("containers", &self.containers)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("lost", ToString::to_string(&self.lost).as_str())?;
        }
        if true {
            struct_ser.serialize_field("heard", &self.heard)?;
        }
        if let Some(v) = self.owed.as_ref() {
            struct_ser.serialize_field("owed", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Heartbeat {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "time",
            "node",
            "containers",
            "lost",
            "heard",
            "owed",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Time,
            Node,
            Containers,
            Lost,
            Heard,
            Owed,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "time" => Ok(GeneratedField::Time),
                            "node" => Ok(GeneratedField::Node),
                            "containers" => Ok(GeneratedField::Containers),
                            "lost" => Ok(GeneratedField::Lost),
                            "heard" => Ok(GeneratedField::Heard),
                            "owed" => Ok(GeneratedField::Owed),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Heartbeat;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Heartbeat")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Heartbeat, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut time__ = None;
                let mut node__ = None;
                let mut containers__ = None;
                let mut lost__ = None;
                let mut heard__ = None;
                let mut owed__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Time => {
                            if time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("time"));
                            }
                            time__ = map_.next_value()?;
                        }
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Containers => {
                            if containers__.is_some() {
                                return Err(serde::de::Error::duplicate_field("containers"));
                            }
                            containers__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Lost => {
                            if lost__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lost"));
                            }
                            lost__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Heard => {
                            if heard__.is_some() {
                                return Err(serde::de::Error::duplicate_field("heard"));
                            }
                            heard__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Owed => {
                            if owed__.is_some() {
                                return Err(serde::de::Error::duplicate_field("owed"));
                            }
                            owed__ = map_.next_value()?;
                        }
                    }
                }
                Ok(Heartbeat {
                    time: time__,
                    node: node__.unwrap_or_default(),
                    containers: containers__.unwrap_or_default(),
                    lost: lost__.unwrap_or_default(),
                    heard: heard__.unwrap_or_default(),
                    owed: owed__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Heartbeat", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ImportProfileRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ImportProfileRequest", len)?;
        if true {
            struct_ser.serialize_field("yaml", &self.yaml)?;
        }
        if let Some(v) = self.decider.as_ref() {
            struct_ser.serialize_field("decider", v)?;
        }
        if true {
            struct_ser.serialize_field("signature", &self.signature)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ImportProfileRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "yaml",
            "decider",
            "signature",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Yaml,
            Decider,
            Signature,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "yaml" => Ok(GeneratedField::Yaml),
                            "decider" => Ok(GeneratedField::Decider),
                            "signature" => Ok(GeneratedField::Signature),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ImportProfileRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ImportProfileRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ImportProfileRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut yaml__ = None;
                let mut decider__ = None;
                let mut signature__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Yaml => {
                            if yaml__.is_some() {
                                return Err(serde::de::Error::duplicate_field("yaml"));
                            }
                            yaml__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Decider => {
                            if decider__.is_some() {
                                return Err(serde::de::Error::duplicate_field("decider"));
                            }
                            decider__ = map_.next_value()?;
                        }
                        GeneratedField::Signature => {
                            if signature__.is_some() {
                                return Err(serde::de::Error::duplicate_field("signature"));
                            }
                            signature__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ImportProfileRequest {
                    yaml: yaml__.unwrap_or_default(),
                    decider: decider__,
                    signature: signature__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ImportProfileRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ImportProfileResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ImportProfileResponse", len)?;
        if let Some(v) = self.summary.as_ref() {
            struct_ser.serialize_field("summary", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ImportProfileResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "summary",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Summary,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "summary" => Ok(GeneratedField::Summary),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ImportProfileResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ImportProfileResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ImportProfileResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut summary__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Summary => {
                            if summary__.is_some() {
                                return Err(serde::de::Error::duplicate_field("summary"));
                            }
                            summary__ = map_.next_value()?;
                        }
                    }
                }
                Ok(ImportProfileResponse {
                    summary: summary__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ImportProfileResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for LearnedProfile {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.LearnedProfile", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if let Some(v) = self.workload.as_ref() {
            struct_ser.serialize_field("workload", v)?;
        }
        if true {
            struct_ser.serialize_field("yaml", &self.yaml)?;
        }
        if true {
            struct_ser.serialize_field("instances", &self.instances)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for LearnedProfile {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "workload",
            "yaml",
            "instances",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Workload,
            Yaml,
            Instances,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "workload" => Ok(GeneratedField::Workload),
                            "yaml" => Ok(GeneratedField::Yaml),
                            "instances" => Ok(GeneratedField::Instances),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = LearnedProfile;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.LearnedProfile")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<LearnedProfile, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut workload__ = None;
                let mut yaml__ = None;
                let mut instances__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Workload => {
                            if workload__.is_some() {
                                return Err(serde::de::Error::duplicate_field("workload"));
                            }
                            workload__ = map_.next_value()?;
                        }
                        GeneratedField::Yaml => {
                            if yaml__.is_some() {
                                return Err(serde::de::Error::duplicate_field("yaml"));
                            }
                            yaml__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Instances => {
                            if instances__.is_some() {
                                return Err(serde::de::Error::duplicate_field("instances"));
                            }
                            instances__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(LearnedProfile {
                    name: name__.unwrap_or_default(),
                    workload: workload__,
                    yaml: yaml__.unwrap_or_default(),
                    instances: instances__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.LearnedProfile", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Learning {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Learning", len)?;
        if true {
            struct_ser.serialize_field("complete", &self.complete)?;
        }
        if true {
            struct_ser.serialize_field("incomplete", &self.incomplete)?;
        }
        if true {
            struct_ser.serialize_field("unmet", &self.unmet)?;
        }
        if true {
            struct_ser.serialize_field("classes", &self.classes)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("observedSeconds", ToString::to_string(&self.observed_seconds).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("quietSeconds", ToString::to_string(&self.quiet_seconds).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("instances", ToString::to_string(&self.instances).as_str())?;
        }
        if true {
            struct_ser.serialize_field("hoursUnseen", &self.hours_unseen)?;
        }
        if true {
            struct_ser.serialize_field("provisional", &self.provisional)?;
        }
        if true {
            struct_ser.serialize_field("note", &self.note)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Learning {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "complete",
            "incomplete",
            "unmet",
            "classes",
            "observed_seconds",
            "observedSeconds",
            "quiet_seconds",
            "quietSeconds",
            "instances",
            "hours_unseen",
            "hoursUnseen",
            "provisional",
            "note",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Complete,
            Incomplete,
            Unmet,
            Classes,
            ObservedSeconds,
            QuietSeconds,
            Instances,
            HoursUnseen,
            Provisional,
            Note,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "complete" => Ok(GeneratedField::Complete),
                            "incomplete" => Ok(GeneratedField::Incomplete),
                            "unmet" => Ok(GeneratedField::Unmet),
                            "classes" => Ok(GeneratedField::Classes),
                            "observedSeconds" | "observed_seconds" => Ok(GeneratedField::ObservedSeconds),
                            "quietSeconds" | "quiet_seconds" => Ok(GeneratedField::QuietSeconds),
                            "instances" => Ok(GeneratedField::Instances),
                            "hoursUnseen" | "hours_unseen" => Ok(GeneratedField::HoursUnseen),
                            "provisional" => Ok(GeneratedField::Provisional),
                            "note" => Ok(GeneratedField::Note),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Learning;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Learning")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Learning, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut complete__ = None;
                let mut incomplete__ = None;
                let mut unmet__ = None;
                let mut classes__ = None;
                let mut observed_seconds__ = None;
                let mut quiet_seconds__ = None;
                let mut instances__ = None;
                let mut hours_unseen__ = None;
                let mut provisional__ = None;
                let mut note__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Complete => {
                            if complete__.is_some() {
                                return Err(serde::de::Error::duplicate_field("complete"));
                            }
                            complete__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Incomplete => {
                            if incomplete__.is_some() {
                                return Err(serde::de::Error::duplicate_field("incomplete"));
                            }
                            incomplete__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Unmet => {
                            if unmet__.is_some() {
                                return Err(serde::de::Error::duplicate_field("unmet"));
                            }
                            unmet__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Classes => {
                            if classes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("classes"));
                            }
                            classes__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ObservedSeconds => {
                            if observed_seconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("observedSeconds"));
                            }
                            observed_seconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::QuietSeconds => {
                            if quiet_seconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("quietSeconds"));
                            }
                            quiet_seconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Instances => {
                            if instances__.is_some() {
                                return Err(serde::de::Error::duplicate_field("instances"));
                            }
                            instances__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::HoursUnseen => {
                            if hours_unseen__.is_some() {
                                return Err(serde::de::Error::duplicate_field("hoursUnseen"));
                            }
                            hours_unseen__ = 
                                Some(map_.next_value::<Vec<::pbjson::private::NumberDeserialize<_>>>()?
                                    .into_iter().map(|x| x.0).collect())
                            ;
                        }
                        GeneratedField::Provisional => {
                            if provisional__.is_some() {
                                return Err(serde::de::Error::duplicate_field("provisional"));
                            }
                            provisional__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Note => {
                            if note__.is_some() {
                                return Err(serde::de::Error::duplicate_field("note"));
                            }
                            note__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Learning {
                    complete: complete__.unwrap_or_default(),
                    incomplete: incomplete__.unwrap_or_default(),
                    unmet: unmet__.unwrap_or_default(),
                    classes: classes__.unwrap_or_default(),
                    observed_seconds: observed_seconds__.unwrap_or_default(),
                    quiet_seconds: quiet_seconds__.unwrap_or_default(),
                    instances: instances__.unwrap_or_default(),
                    hours_unseen: hours_unseen__.unwrap_or_default(),
                    provisional: provisional__.unwrap_or_default(),
                    note: note__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Learning", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for LearningConditions {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.LearningConditions", len)?;
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("slotMilliseconds", ToString::to_string(&self.slot_milliseconds).as_str())?;
        }
        if true {
            struct_ser.serialize_field("coverage", &self.coverage)?;
        }
        if true {
            struct_ser.serialize_field("newsPerDay", &self.news_per_day)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("quietMilliseconds", ToString::to_string(&self.quiet_milliseconds).as_str())?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("observedMilliseconds", ToString::to_string(&self.observed_milliseconds).as_str())?;
        }
        if true {
            struct_ser.serialize_field("instances", &self.instances)?;
        }
        if true {
            struct_ser.serialize_field("restarts", &self.restarts)?;
        }
        if true {
            struct_ser.serialize_field("wholeDay", &self.whole_day)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for LearningConditions {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "slot_milliseconds",
            "slotMilliseconds",
            "coverage",
            "news_per_day",
            "newsPerDay",
            "quiet_milliseconds",
            "quietMilliseconds",
            "observed_milliseconds",
            "observedMilliseconds",
            "instances",
            "restarts",
            "whole_day",
            "wholeDay",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            SlotMilliseconds,
            Coverage,
            NewsPerDay,
            QuietMilliseconds,
            ObservedMilliseconds,
            Instances,
            Restarts,
            WholeDay,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "slotMilliseconds" | "slot_milliseconds" => Ok(GeneratedField::SlotMilliseconds),
                            "coverage" => Ok(GeneratedField::Coverage),
                            "newsPerDay" | "news_per_day" => Ok(GeneratedField::NewsPerDay),
                            "quietMilliseconds" | "quiet_milliseconds" => Ok(GeneratedField::QuietMilliseconds),
                            "observedMilliseconds" | "observed_milliseconds" => Ok(GeneratedField::ObservedMilliseconds),
                            "instances" => Ok(GeneratedField::Instances),
                            "restarts" => Ok(GeneratedField::Restarts),
                            "wholeDay" | "whole_day" => Ok(GeneratedField::WholeDay),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = LearningConditions;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.LearningConditions")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<LearningConditions, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut slot_milliseconds__ = None;
                let mut coverage__ = None;
                let mut news_per_day__ = None;
                let mut quiet_milliseconds__ = None;
                let mut observed_milliseconds__ = None;
                let mut instances__ = None;
                let mut restarts__ = None;
                let mut whole_day__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::SlotMilliseconds => {
                            if slot_milliseconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("slotMilliseconds"));
                            }
                            slot_milliseconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Coverage => {
                            if coverage__.is_some() {
                                return Err(serde::de::Error::duplicate_field("coverage"));
                            }
                            coverage__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::NewsPerDay => {
                            if news_per_day__.is_some() {
                                return Err(serde::de::Error::duplicate_field("newsPerDay"));
                            }
                            news_per_day__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::QuietMilliseconds => {
                            if quiet_milliseconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("quietMilliseconds"));
                            }
                            quiet_milliseconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ObservedMilliseconds => {
                            if observed_milliseconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("observedMilliseconds"));
                            }
                            observed_milliseconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Instances => {
                            if instances__.is_some() {
                                return Err(serde::de::Error::duplicate_field("instances"));
                            }
                            instances__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Restarts => {
                            if restarts__.is_some() {
                                return Err(serde::de::Error::duplicate_field("restarts"));
                            }
                            restarts__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::WholeDay => {
                            if whole_day__.is_some() {
                                return Err(serde::de::Error::duplicate_field("wholeDay"));
                            }
                            whole_day__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(LearningConditions {
                    slot_milliseconds: slot_milliseconds__.unwrap_or_default(),
                    coverage: coverage__.unwrap_or_default(),
                    news_per_day: news_per_day__.unwrap_or_default(),
                    quiet_milliseconds: quiet_milliseconds__.unwrap_or_default(),
                    observed_milliseconds: observed_milliseconds__.unwrap_or_default(),
                    instances: instances__.unwrap_or_default(),
                    restarts: restarts__.unwrap_or_default(),
                    whole_day: whole_day__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.LearningConditions", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ListContainersRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ListContainersRequest", len)?;
        if true {
            struct_ser.serialize_field("imageDigest", &self.image_digest)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ListContainersRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "image_digest",
            "imageDigest",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            ImageDigest,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "imageDigest" | "image_digest" => Ok(GeneratedField::ImageDigest),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ListContainersRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ListContainersRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ListContainersRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut image_digest__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::ImageDigest => {
                            if image_digest__.is_some() {
                                return Err(serde::de::Error::duplicate_field("imageDigest"));
                            }
                            image_digest__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ListContainersRequest {
                    image_digest: image_digest__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ListContainersRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ListContainersResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ListContainersResponse", len)?;
        if true {
            struct_ser.serialize_field("containers", &self.containers)?;
        }
        if true {
            struct_ser.serialize_field("answered", &self.answered)?;
        }
        if true {
            struct_ser.serialize_field("missing", &self.missing)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ListContainersResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "containers",
            "answered",
            "missing",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Containers,
            Answered,
            Missing,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "containers" => Ok(GeneratedField::Containers),
                            "answered" => Ok(GeneratedField::Answered),
                            "missing" => Ok(GeneratedField::Missing),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ListContainersResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ListContainersResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ListContainersResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut containers__ = None;
                let mut answered__ = None;
                let mut missing__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Containers => {
                            if containers__.is_some() {
                                return Err(serde::de::Error::duplicate_field("containers"));
                            }
                            containers__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Answered => {
                            if answered__.is_some() {
                                return Err(serde::de::Error::duplicate_field("answered"));
                            }
                            answered__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Missing => {
                            if missing__.is_some() {
                                return Err(serde::de::Error::duplicate_field("missing"));
                            }
                            missing__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ListContainersResponse {
                    containers: containers__.unwrap_or_default(),
                    answered: answered__.unwrap_or_default(),
                    missing: missing__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ListContainersResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for list_containers_response::Missing {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ListContainersResponse.Missing", len)?;
        if true {
            struct_ser.serialize_field("node", &self.node)?;
        }
        if true {
            let v = list_containers_response::missing::Reason::try_from(self.reason)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.reason)))?;
            struct_ser.serialize_field("reason", &v)?;
        }
        if true {
            struct_ser.serialize_field("detail", &self.detail)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("containers", ToString::to_string(&self.containers).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for list_containers_response::Missing {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "node",
            "reason",
            "detail",
            "containers",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Node,
            Reason,
            Detail,
            Containers,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "node" => Ok(GeneratedField::Node),
                            "reason" => Ok(GeneratedField::Reason),
                            "detail" => Ok(GeneratedField::Detail),
                            "containers" => Ok(GeneratedField::Containers),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = list_containers_response::Missing;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ListContainersResponse.Missing")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<list_containers_response::Missing, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut node__ = None;
                let mut reason__ = None;
                let mut detail__ = None;
                let mut containers__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value::<list_containers_response::missing::Reason>()? as i32);
                        }
                        GeneratedField::Detail => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("detail"));
                            }
                            detail__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Containers => {
                            if containers__.is_some() {
                                return Err(serde::de::Error::duplicate_field("containers"));
                            }
                            containers__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(list_containers_response::Missing {
                    node: node__.unwrap_or_default(),
                    reason: reason__.unwrap_or_default(),
                    detail: detail__.unwrap_or_default(),
                    containers: containers__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ListContainersResponse.Missing", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for list_containers_response::missing::Reason {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "REASON_UNSPECIFIED",
            Self::Away => "AWAY",
            Self::Late => "LATE",
            Self::Unable => "UNABLE",
            Self::Failed => "FAILED",
            Self::Cut => "CUT",
            Self::NoDigest => "NO_DIGEST",
            Self::Unheard => "UNHEARD",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for list_containers_response::missing::Reason {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "REASON_UNSPECIFIED",
            "AWAY",
            "LATE",
            "UNABLE",
            "FAILED",
            "CUT",
            "NO_DIGEST",
            "UNHEARD",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = list_containers_response::missing::Reason;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "REASON_UNSPECIFIED" => Ok(list_containers_response::missing::Reason::Unspecified),
                    "AWAY" => Ok(list_containers_response::missing::Reason::Away),
                    "LATE" => Ok(list_containers_response::missing::Reason::Late),
                    "UNABLE" => Ok(list_containers_response::missing::Reason::Unable),
                    "FAILED" => Ok(list_containers_response::missing::Reason::Failed),
                    "CUT" => Ok(list_containers_response::missing::Reason::Cut),
                    "NO_DIGEST" => Ok(list_containers_response::missing::Reason::NoDigest),
                    "UNHEARD" => Ok(list_containers_response::missing::Reason::Unheard),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for ListProfilesRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let len = 0;
        let struct_ser = serializer.serialize_struct("lapwing.v1.ListProfilesRequest", len)?;
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ListProfilesRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                            Err(serde::de::Error::unknown_field(value, FIELDS))
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ListProfilesRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ListProfilesRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ListProfilesRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                while map_.next_key::<GeneratedField>()?.is_some() {
                    let _ = map_.next_value::<serde::de::IgnoredAny>()?;
                }
                Ok(ListProfilesRequest {
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ListProfilesRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ListProfilesResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ListProfilesResponse", len)?;
        if true {
            struct_ser.serialize_field("profiles", &self.profiles)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ListProfilesResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "profiles",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Profiles,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "profiles" => Ok(GeneratedField::Profiles),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ListProfilesResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ListProfilesResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ListProfilesResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut profiles__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Profiles => {
                            if profiles__.is_some() {
                                return Err(serde::de::Error::duplicate_field("profiles"));
                            }
                            profiles__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ListProfilesResponse {
                    profiles: profiles__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ListProfilesResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Listen {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Listen", len)?;
        if true {
            let v = egress::Protocol::try_from(self.protocol)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.protocol)))?;
            struct_ser.serialize_field("protocol", &v)?;
        }
        if true {
            struct_ser.serialize_field("address", &self.address)?;
        }
        if true {
            struct_ser.serialize_field("port", &self.port)?;
        }
        if true {
            struct_ser.serialize_field("number", &self.number)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Listen {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "protocol",
            "address",
            "port",
            "number",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Protocol,
            Address,
            Port,
            Number,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "protocol" => Ok(GeneratedField::Protocol),
                            "address" => Ok(GeneratedField::Address),
                            "port" => Ok(GeneratedField::Port),
                            "number" => Ok(GeneratedField::Number),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Listen;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Listen")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Listen, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut protocol__ = None;
                let mut address__ = None;
                let mut port__ = None;
                let mut number__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Protocol => {
                            if protocol__.is_some() {
                                return Err(serde::de::Error::duplicate_field("protocol"));
                            }
                            protocol__ = Some(map_.next_value::<egress::Protocol>()? as i32);
                        }
                        GeneratedField::Address => {
                            if address__.is_some() {
                                return Err(serde::de::Error::duplicate_field("address"));
                            }
                            address__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Port => {
                            if port__.is_some() {
                                return Err(serde::de::Error::duplicate_field("port"));
                            }
                            port__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Number => {
                            if number__.is_some() {
                                return Err(serde::de::Error::duplicate_field("number"));
                            }
                            number__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(Listen {
                    protocol: protocol__.unwrap_or_default(),
                    address: address__.unwrap_or_default(),
                    port: port__.unwrap_or_default(),
                    number: number__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Listen", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Mode {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "MODE_UNSPECIFIED",
            Self::Learning => "LEARNING",
            Self::Review => "REVIEW",
            Self::Monitoring => "MONITORING",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for Mode {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "MODE_UNSPECIFIED",
            "LEARNING",
            "REVIEW",
            "MONITORING",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = Mode;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "MODE_UNSPECIFIED" => Ok(Mode::Unspecified),
                    "LEARNING" => Ok(Mode::Learning),
                    "REVIEW" => Ok(Mode::Review),
                    "MONITORING" => Ok(Mode::Monitoring),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for Owed {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Owed", len)?;
        if true {
            struct_ser.serialize_field("nodes", &self.nodes)?;
        }
        if true {
            struct_ser.serialize_field("asked", &self.asked)?;
        }
        if true {
            struct_ser.serialize_field("names", &self.names)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Owed {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "nodes",
            "asked",
            "names",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Nodes,
            Asked,
            Names,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "nodes" => Ok(GeneratedField::Nodes),
                            "asked" => Ok(GeneratedField::Asked),
                            "names" => Ok(GeneratedField::Names),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Owed;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Owed")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Owed, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut nodes__ = None;
                let mut asked__ = None;
                let mut names__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Nodes => {
                            if nodes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("nodes"));
                            }
                            nodes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Asked => {
                            if asked__.is_some() {
                                return Err(serde::de::Error::duplicate_field("asked"));
                            }
                            asked__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Names => {
                            if names__.is_some() {
                                return Err(serde::de::Error::duplicate_field("names"));
                            }
                            names__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Owed {
                    nodes: nodes__.unwrap_or_default(),
                    asked: asked__.unwrap_or_default(),
                    names: names__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Owed", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Privilege {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Privilege", len)?;
        if true {
            let v = privilege::Operation::try_from(self.operation)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.operation)))?;
            struct_ser.serialize_field("operation", &v)?;
        }
        if true {
            struct_ser.serialize_field("detail", &self.detail)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Privilege {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "operation",
            "detail",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Operation,
            Detail,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "operation" => Ok(GeneratedField::Operation),
                            "detail" => Ok(GeneratedField::Detail),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Privilege;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Privilege")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Privilege, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut operation__ = None;
                let mut detail__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Operation => {
                            if operation__.is_some() {
                                return Err(serde::de::Error::duplicate_field("operation"));
                            }
                            operation__ = Some(map_.next_value::<privilege::Operation>()? as i32);
                        }
                        GeneratedField::Detail => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("detail"));
                            }
                            detail__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Privilege {
                    operation: operation__.unwrap_or_default(),
                    detail: detail__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Privilege", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for privilege::Operation {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "OPERATION_UNSPECIFIED",
            Self::Ptrace => "PTRACE",
            Self::ProcessVmWrite => "PROCESS_VM_WRITE",
            Self::Mount => "MOUNT",
            Self::Umount => "UMOUNT",
            Self::PivotRoot => "PIVOT_ROOT",
            Self::Setns => "SETNS",
            Self::Unshare => "UNSHARE",
            Self::Module => "MODULE",
            Self::Bpf => "BPF",
            Self::IoUring => "IO_URING",
            Self::ExecMapping => "EXEC_MAPPING",
            Self::Capability => "CAPABILITY",
            Self::ProcMem => "PROC_MEM",
            Self::Escape => "ESCAPE",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for privilege::Operation {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "OPERATION_UNSPECIFIED",
            "PTRACE",
            "PROCESS_VM_WRITE",
            "MOUNT",
            "UMOUNT",
            "PIVOT_ROOT",
            "SETNS",
            "UNSHARE",
            "MODULE",
            "BPF",
            "IO_URING",
            "EXEC_MAPPING",
            "CAPABILITY",
            "PROC_MEM",
            "ESCAPE",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = privilege::Operation;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "OPERATION_UNSPECIFIED" => Ok(privilege::Operation::Unspecified),
                    "PTRACE" => Ok(privilege::Operation::Ptrace),
                    "PROCESS_VM_WRITE" => Ok(privilege::Operation::ProcessVmWrite),
                    "MOUNT" => Ok(privilege::Operation::Mount),
                    "UMOUNT" => Ok(privilege::Operation::Umount),
                    "PIVOT_ROOT" => Ok(privilege::Operation::PivotRoot),
                    "SETNS" => Ok(privilege::Operation::Setns),
                    "UNSHARE" => Ok(privilege::Operation::Unshare),
                    "MODULE" => Ok(privilege::Operation::Module),
                    "BPF" => Ok(privilege::Operation::Bpf),
                    "IO_URING" => Ok(privilege::Operation::IoUring),
                    "EXEC_MAPPING" => Ok(privilege::Operation::ExecMapping),
                    "CAPABILITY" => Ok(privilege::Operation::Capability),
                    "PROC_MEM" => Ok(privilege::Operation::ProcMem),
                    "ESCAPE" => Ok(privilege::Operation::Escape),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for Process {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Process", len)?;
        if true {
            struct_ser.serialize_field("pid", &self.pid)?;
        }
        if true {
            struct_ser.serialize_field("containerPid", &self.container_pid)?;
        }
        if let Some(v) = self.start_time.as_ref() {
            struct_ser.serialize_field("startTime", v)?;
        }
        if true {
            struct_ser.serialize_field("exe", &self.exe)?;
        }
        if true {
            struct_ser.serialize_field("args", &self.args)?;
        }
        if true {
            struct_ser.serialize_field("cwd", &self.cwd)?;
        }
        if true {
            struct_ser.serialize_field("uid", &self.uid)?;
        }
        if true {
            struct_ser.serialize_field("gid", &self.gid)?;
        }
        if true {
            let v = process::Phase::try_from(self.phase)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.phase)))?;
            struct_ser.serialize_field("phase", &v)?;
        }
        if true {
            struct_ser.serialize_field("ancestors", &self.ancestors)?;
        }
        if true {
            struct_ser.serialize_field("effectiveUid", &self.effective_uid)?;
        }
        if true {
            struct_ser.serialize_field("effectiveGid", &self.effective_gid)?;
        }
        if true {
            struct_ser.serialize_field("capabilities", &self.capabilities)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Process {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "pid",
            "container_pid",
            "containerPid",
            "start_time",
            "startTime",
            "exe",
            "args",
            "cwd",
            "uid",
            "gid",
            "phase",
            "ancestors",
            "effective_uid",
            "effectiveUid",
            "effective_gid",
            "effectiveGid",
            "capabilities",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Pid,
            ContainerPid,
            StartTime,
            Exe,
            Args,
            Cwd,
            Uid,
            Gid,
            Phase,
            Ancestors,
            EffectiveUid,
            EffectiveGid,
            Capabilities,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "pid" => Ok(GeneratedField::Pid),
                            "containerPid" | "container_pid" => Ok(GeneratedField::ContainerPid),
                            "startTime" | "start_time" => Ok(GeneratedField::StartTime),
                            "exe" => Ok(GeneratedField::Exe),
                            "args" => Ok(GeneratedField::Args),
                            "cwd" => Ok(GeneratedField::Cwd),
                            "uid" => Ok(GeneratedField::Uid),
                            "gid" => Ok(GeneratedField::Gid),
                            "phase" => Ok(GeneratedField::Phase),
                            "ancestors" => Ok(GeneratedField::Ancestors),
                            "effectiveUid" | "effective_uid" => Ok(GeneratedField::EffectiveUid),
                            "effectiveGid" | "effective_gid" => Ok(GeneratedField::EffectiveGid),
                            "capabilities" => Ok(GeneratedField::Capabilities),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Process;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Process")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Process, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut pid__ = None;
                let mut container_pid__ = None;
                let mut start_time__ = None;
                let mut exe__ = None;
                let mut args__ = None;
                let mut cwd__ = None;
                let mut uid__ = None;
                let mut gid__ = None;
                let mut phase__ = None;
                let mut ancestors__ = None;
                let mut effective_uid__ = None;
                let mut effective_gid__ = None;
                let mut capabilities__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Pid => {
                            if pid__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pid"));
                            }
                            pid__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ContainerPid => {
                            if container_pid__.is_some() {
                                return Err(serde::de::Error::duplicate_field("containerPid"));
                            }
                            container_pid__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::StartTime => {
                            if start_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("startTime"));
                            }
                            start_time__ = map_.next_value()?;
                        }
                        GeneratedField::Exe => {
                            if exe__.is_some() {
                                return Err(serde::de::Error::duplicate_field("exe"));
                            }
                            exe__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Args => {
                            if args__.is_some() {
                                return Err(serde::de::Error::duplicate_field("args"));
                            }
                            args__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Cwd => {
                            if cwd__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cwd"));
                            }
                            cwd__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Uid => {
                            if uid__.is_some() {
                                return Err(serde::de::Error::duplicate_field("uid"));
                            }
                            uid__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Gid => {
                            if gid__.is_some() {
                                return Err(serde::de::Error::duplicate_field("gid"));
                            }
                            gid__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Phase => {
                            if phase__.is_some() {
                                return Err(serde::de::Error::duplicate_field("phase"));
                            }
                            phase__ = Some(map_.next_value::<process::Phase>()? as i32);
                        }
                        GeneratedField::Ancestors => {
                            if ancestors__.is_some() {
                                return Err(serde::de::Error::duplicate_field("ancestors"));
                            }
                            ancestors__ = Some(map_.next_value()?);
                        }
                        GeneratedField::EffectiveUid => {
                            if effective_uid__.is_some() {
                                return Err(serde::de::Error::duplicate_field("effectiveUid"));
                            }
                            effective_uid__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::EffectiveGid => {
                            if effective_gid__.is_some() {
                                return Err(serde::de::Error::duplicate_field("effectiveGid"));
                            }
                            effective_gid__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Capabilities => {
                            if capabilities__.is_some() {
                                return Err(serde::de::Error::duplicate_field("capabilities"));
                            }
                            capabilities__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Process {
                    pid: pid__.unwrap_or_default(),
                    container_pid: container_pid__.unwrap_or_default(),
                    start_time: start_time__,
                    exe: exe__.unwrap_or_default(),
                    args: args__.unwrap_or_default(),
                    cwd: cwd__.unwrap_or_default(),
                    uid: uid__.unwrap_or_default(),
                    gid: gid__.unwrap_or_default(),
                    phase: phase__.unwrap_or_default(),
                    ancestors: ancestors__.unwrap_or_default(),
                    effective_uid: effective_uid__.unwrap_or_default(),
                    effective_gid: effective_gid__.unwrap_or_default(),
                    capabilities: capabilities__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Process", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for process::Ancestor {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Process.Ancestor", len)?;
        if true {
            struct_ser.serialize_field("pid", &self.pid)?;
        }
        if true {
            struct_ser.serialize_field("exe", &self.exe)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for process::Ancestor {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "pid",
            "exe",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Pid,
            Exe,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "pid" => Ok(GeneratedField::Pid),
                            "exe" => Ok(GeneratedField::Exe),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = process::Ancestor;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Process.Ancestor")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<process::Ancestor, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut pid__ = None;
                let mut exe__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Pid => {
                            if pid__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pid"));
                            }
                            pid__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Exe => {
                            if exe__.is_some() {
                                return Err(serde::de::Error::duplicate_field("exe"));
                            }
                            exe__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(process::Ancestor {
                    pid: pid__.unwrap_or_default(),
                    exe: exe__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Process.Ancestor", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for process::Phase {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "PHASE_UNSPECIFIED",
            Self::Runtime => "RUNTIME",
            Self::Main => "MAIN",
            Self::Exec => "EXEC",
            Self::Escaped => "ESCAPED",
            Self::Probe => "PROBE",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for process::Phase {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "PHASE_UNSPECIFIED",
            "RUNTIME",
            "MAIN",
            "EXEC",
            "ESCAPED",
            "PROBE",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = process::Phase;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "PHASE_UNSPECIFIED" => Ok(process::Phase::Unspecified),
                    "RUNTIME" => Ok(process::Phase::Runtime),
                    "MAIN" => Ok(process::Phase::Main),
                    "EXEC" => Ok(process::Phase::Exec),
                    "ESCAPED" => Ok(process::Phase::Escaped),
                    "PROBE" => Ok(process::Phase::Probe),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for ProfileSummary {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ProfileSummary", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if let Some(v) = self.workload.as_ref() {
            struct_ser.serialize_field("workload", v)?;
        }
        if true {
            let v = Mode::try_from(self.mode)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.mode)))?;
            struct_ser.serialize_field("mode", &v)?;
        }
        if true {
            struct_ser.serialize_field("exec", &self.exec)?;
        }
        if true {
            struct_ser.serialize_field("file", &self.file)?;
        }
        if true {
            struct_ser.serialize_field("egress", &self.egress)?;
        }
        if true {
            struct_ser.serialize_field("pending", &self.pending)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        if let Some(v) = self.instances.as_ref() {
            struct_ser.serialize_field("instances", v)?;
        }
        if let Some(v) = self.last_learned.as_ref() {
            struct_ser.serialize_field("lastLearned", v)?;
        }
        if true {
            struct_ser.serialize_field("listen", &self.listen)?;
        }
        if true {
            struct_ser.serialize_field("dns", &self.dns)?;
        }
        if true {
            struct_ser.serialize_field("privilege", &self.privilege)?;
        }
        if let Some(v) = self.learning.as_ref() {
            struct_ser.serialize_field("learning", v)?;
        }
        if true {
            struct_ser.serialize_field("versions", &self.versions)?;
        }
        if true {
            struct_ser.serialize_field("provisional", &self.provisional)?;
        }
        if true {
            struct_ser.serialize_field("object", &self.object)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ProfileSummary {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "workload",
            "mode",
            "exec",
            "file",
            "egress",
            "pending",
            "revision",
            "instances",
            "last_learned",
            "lastLearned",
            "listen",
            "dns",
            "privilege",
            "learning",
            "versions",
            "provisional",
            "object",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Workload,
            Mode,
            Exec,
            File,
            Egress,
            Pending,
            Revision,
            Instances,
            LastLearned,
            Listen,
            Dns,
            Privilege,
            Learning,
            Versions,
            Provisional,
            Object,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "workload" => Ok(GeneratedField::Workload),
                            "mode" => Ok(GeneratedField::Mode),
                            "exec" => Ok(GeneratedField::Exec),
                            "file" => Ok(GeneratedField::File),
                            "egress" => Ok(GeneratedField::Egress),
                            "pending" => Ok(GeneratedField::Pending),
                            "revision" => Ok(GeneratedField::Revision),
                            "instances" => Ok(GeneratedField::Instances),
                            "lastLearned" | "last_learned" => Ok(GeneratedField::LastLearned),
                            "listen" => Ok(GeneratedField::Listen),
                            "dns" => Ok(GeneratedField::Dns),
                            "privilege" => Ok(GeneratedField::Privilege),
                            "learning" => Ok(GeneratedField::Learning),
                            "versions" => Ok(GeneratedField::Versions),
                            "provisional" => Ok(GeneratedField::Provisional),
                            "object" => Ok(GeneratedField::Object),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ProfileSummary;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ProfileSummary")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ProfileSummary, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut workload__ = None;
                let mut mode__ = None;
                let mut exec__ = None;
                let mut file__ = None;
                let mut egress__ = None;
                let mut pending__ = None;
                let mut revision__ = None;
                let mut instances__ = None;
                let mut last_learned__ = None;
                let mut listen__ = None;
                let mut dns__ = None;
                let mut privilege__ = None;
                let mut learning__ = None;
                let mut versions__ = None;
                let mut provisional__ = None;
                let mut object__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Workload => {
                            if workload__.is_some() {
                                return Err(serde::de::Error::duplicate_field("workload"));
                            }
                            workload__ = map_.next_value()?;
                        }
                        GeneratedField::Mode => {
                            if mode__.is_some() {
                                return Err(serde::de::Error::duplicate_field("mode"));
                            }
                            mode__ = Some(map_.next_value::<Mode>()? as i32);
                        }
                        GeneratedField::Exec => {
                            if exec__.is_some() {
                                return Err(serde::de::Error::duplicate_field("exec"));
                            }
                            exec__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::File => {
                            if file__.is_some() {
                                return Err(serde::de::Error::duplicate_field("file"));
                            }
                            file__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Egress => {
                            if egress__.is_some() {
                                return Err(serde::de::Error::duplicate_field("egress"));
                            }
                            egress__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Pending => {
                            if pending__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pending"));
                            }
                            pending__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Instances => {
                            if instances__.is_some() {
                                return Err(serde::de::Error::duplicate_field("instances"));
                            }
                            instances__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                        GeneratedField::LastLearned => {
                            if last_learned__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastLearned"));
                            }
                            last_learned__ = map_.next_value()?;
                        }
                        GeneratedField::Listen => {
                            if listen__.is_some() {
                                return Err(serde::de::Error::duplicate_field("listen"));
                            }
                            listen__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Dns => {
                            if dns__.is_some() {
                                return Err(serde::de::Error::duplicate_field("dns"));
                            }
                            dns__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Privilege => {
                            if privilege__.is_some() {
                                return Err(serde::de::Error::duplicate_field("privilege"));
                            }
                            privilege__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Learning => {
                            if learning__.is_some() {
                                return Err(serde::de::Error::duplicate_field("learning"));
                            }
                            learning__ = map_.next_value()?;
                        }
                        GeneratedField::Versions => {
                            if versions__.is_some() {
                                return Err(serde::de::Error::duplicate_field("versions"));
                            }
                            versions__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Provisional => {
                            if provisional__.is_some() {
                                return Err(serde::de::Error::duplicate_field("provisional"));
                            }
                            provisional__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Object => {
                            if object__.is_some() {
                                return Err(serde::de::Error::duplicate_field("object"));
                            }
                            object__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ProfileSummary {
                    name: name__.unwrap_or_default(),
                    workload: workload__,
                    mode: mode__.unwrap_or_default(),
                    exec: exec__.unwrap_or_default(),
                    file: file__.unwrap_or_default(),
                    egress: egress__.unwrap_or_default(),
                    pending: pending__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                    instances: instances__,
                    last_learned: last_learned__,
                    listen: listen__.unwrap_or_default(),
                    dns: dns__.unwrap_or_default(),
                    privilege: privilege__.unwrap_or_default(),
                    learning: learning__,
                    versions: versions__.unwrap_or_default(),
                    provisional: provisional__.unwrap_or_default(),
                    object: object__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ProfileSummary", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for PromoteProfileRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.PromoteProfileRequest", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if let Some(v) = self.decider.as_ref() {
            struct_ser.serialize_field("decider", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for PromoteProfileRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "decider",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Decider,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "decider" => Ok(GeneratedField::Decider),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = PromoteProfileRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.PromoteProfileRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<PromoteProfileRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut decider__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Decider => {
                            if decider__.is_some() {
                                return Err(serde::de::Error::duplicate_field("decider"));
                            }
                            decider__ = map_.next_value()?;
                        }
                    }
                }
                Ok(PromoteProfileRequest {
                    name: name__.unwrap_or_default(),
                    decider: decider__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.PromoteProfileRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for PromoteProfileResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.PromoteProfileResponse", len)?;
        if let Some(v) = self.summary.as_ref() {
            struct_ser.serialize_field("summary", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for PromoteProfileResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "summary",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Summary,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "summary" => Ok(GeneratedField::Summary),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = PromoteProfileResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.PromoteProfileResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<PromoteProfileResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut summary__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Summary => {
                            if summary__.is_some() {
                                return Err(serde::de::Error::duplicate_field("summary"));
                            }
                            summary__ = map_.next_value()?;
                        }
                    }
                }
                Ok(PromoteProfileResponse {
                    summary: summary__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.PromoteProfileResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ReplayProfileRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ReplayProfileRequest", len)?;
        if true {
            struct_ser.serialize_field("yaml", &self.yaml)?;
        }
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("ageMilliseconds", ToString::to_string(&self.age_milliseconds).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ReplayProfileRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "yaml",
            "name",
            "age_milliseconds",
            "ageMilliseconds",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Yaml,
            Name,
            AgeMilliseconds,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "yaml" => Ok(GeneratedField::Yaml),
                            "name" => Ok(GeneratedField::Name),
                            "ageMilliseconds" | "age_milliseconds" => Ok(GeneratedField::AgeMilliseconds),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ReplayProfileRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ReplayProfileRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ReplayProfileRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut yaml__ = None;
                let mut name__ = None;
                let mut age_milliseconds__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Yaml => {
                            if yaml__.is_some() {
                                return Err(serde::de::Error::duplicate_field("yaml"));
                            }
                            yaml__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AgeMilliseconds => {
                            if age_milliseconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("ageMilliseconds"));
                            }
                            age_milliseconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(ReplayProfileRequest {
                    yaml: yaml__.unwrap_or_default(),
                    name: name__.unwrap_or_default(),
                    age_milliseconds: age_milliseconds__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ReplayProfileRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ReplayProfileResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ReplayProfileResponse", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("seen", ToString::to_string(&self.seen).as_str())?;
        }
        if true {
            struct_ser.serialize_field("reported", &self.reported)?;
        }
        if true {
            struct_ser.serialize_field("open", &self.open)?;
        }
        if let Some(v) = self.names_since.as_ref() {
            struct_ser.serialize_field("namesSince", v)?;
        }
        if true {
            struct_ser.serialize_field("provisional", &self.provisional)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ReplayProfileResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "seen",
            "reported",
            "open",
            "names_since",
            "namesSince",
            "provisional",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Seen,
            Reported,
            Open,
            NamesSince,
            Provisional,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "seen" => Ok(GeneratedField::Seen),
                            "reported" => Ok(GeneratedField::Reported),
                            "open" => Ok(GeneratedField::Open),
                            "namesSince" | "names_since" => Ok(GeneratedField::NamesSince),
                            "provisional" => Ok(GeneratedField::Provisional),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ReplayProfileResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ReplayProfileResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ReplayProfileResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut seen__ = None;
                let mut reported__ = None;
                let mut open__ = None;
                let mut names_since__ = None;
                let mut provisional__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Seen => {
                            if seen__.is_some() {
                                return Err(serde::de::Error::duplicate_field("seen"));
                            }
                            seen__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Reported => {
                            if reported__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reported"));
                            }
                            reported__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Open => {
                            if open__.is_some() {
                                return Err(serde::de::Error::duplicate_field("open"));
                            }
                            open__ = Some(map_.next_value()?);
                        }
                        GeneratedField::NamesSince => {
                            if names_since__.is_some() {
                                return Err(serde::de::Error::duplicate_field("namesSince"));
                            }
                            names_since__ = map_.next_value()?;
                        }
                        GeneratedField::Provisional => {
                            if provisional__.is_some() {
                                return Err(serde::de::Error::duplicate_field("provisional"));
                            }
                            provisional__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ReplayProfileResponse {
                    name: name__.unwrap_or_default(),
                    seen: seen__.unwrap_or_default(),
                    reported: reported__.unwrap_or_default(),
                    open: open__.unwrap_or_default(),
                    names_since: names_since__,
                    provisional: provisional__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ReplayProfileResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for replay_profile_response::Reported {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.ReplayProfileResponse.Reported", len)?;
        if true {
            struct_ser.serialize_field("entry", &self.entry)?;
        }
        if true {
            struct_ser.serialize_field("rule", &self.rule)?;
        }
        if true {
            let v = violation::Severity::try_from(self.severity)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.severity)))?;
            struct_ser.serialize_field("severity", &v)?;
        }
        if true {
            struct_ser.serialize_field("attack", &self.attack)?;
        }
        if let Some(v) = self.first_seen.as_ref() {
            struct_ser.serialize_field("firstSeen", v)?;
        }
        if let Some(v) = self.last_seen.as_ref() {
            struct_ser.serialize_field("lastSeen", v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("count", ToString::to_string(&self.count).as_str())?;
        }
        if true {
            struct_ser.serialize_field("nearest", &self.nearest)?;
        }
        if true {
            struct_ser.serialize_field("newInVersion", &self.new_in_version)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for replay_profile_response::Reported {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "entry",
            "rule",
            "severity",
            "attack",
            "first_seen",
            "firstSeen",
            "last_seen",
            "lastSeen",
            "count",
            "nearest",
            "new_in_version",
            "newInVersion",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Entry,
            Rule,
            Severity,
            Attack,
            FirstSeen,
            LastSeen,
            Count,
            Nearest,
            NewInVersion,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "entry" => Ok(GeneratedField::Entry),
                            "rule" => Ok(GeneratedField::Rule),
                            "severity" => Ok(GeneratedField::Severity),
                            "attack" => Ok(GeneratedField::Attack),
                            "firstSeen" | "first_seen" => Ok(GeneratedField::FirstSeen),
                            "lastSeen" | "last_seen" => Ok(GeneratedField::LastSeen),
                            "count" => Ok(GeneratedField::Count),
                            "nearest" => Ok(GeneratedField::Nearest),
                            "newInVersion" | "new_in_version" => Ok(GeneratedField::NewInVersion),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = replay_profile_response::Reported;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.ReplayProfileResponse.Reported")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<replay_profile_response::Reported, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut entry__ = None;
                let mut rule__ = None;
                let mut severity__ = None;
                let mut attack__ = None;
                let mut first_seen__ = None;
                let mut last_seen__ = None;
                let mut count__ = None;
                let mut nearest__ = None;
                let mut new_in_version__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Entry => {
                            if entry__.is_some() {
                                return Err(serde::de::Error::duplicate_field("entry"));
                            }
                            entry__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Rule => {
                            if rule__.is_some() {
                                return Err(serde::de::Error::duplicate_field("rule"));
                            }
                            rule__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Severity => {
                            if severity__.is_some() {
                                return Err(serde::de::Error::duplicate_field("severity"));
                            }
                            severity__ = Some(map_.next_value::<violation::Severity>()? as i32);
                        }
                        GeneratedField::Attack => {
                            if attack__.is_some() {
                                return Err(serde::de::Error::duplicate_field("attack"));
                            }
                            attack__ = Some(map_.next_value()?);
                        }
                        GeneratedField::FirstSeen => {
                            if first_seen__.is_some() {
                                return Err(serde::de::Error::duplicate_field("firstSeen"));
                            }
                            first_seen__ = map_.next_value()?;
                        }
                        GeneratedField::LastSeen => {
                            if last_seen__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastSeen"));
                            }
                            last_seen__ = map_.next_value()?;
                        }
                        GeneratedField::Count => {
                            if count__.is_some() {
                                return Err(serde::de::Error::duplicate_field("count"));
                            }
                            count__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Nearest => {
                            if nearest__.is_some() {
                                return Err(serde::de::Error::duplicate_field("nearest"));
                            }
                            nearest__ = Some(map_.next_value()?);
                        }
                        GeneratedField::NewInVersion => {
                            if new_in_version__.is_some() {
                                return Err(serde::de::Error::duplicate_field("newInVersion"));
                            }
                            new_in_version__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(replay_profile_response::Reported {
                    entry: entry__.unwrap_or_default(),
                    rule: rule__.unwrap_or_default(),
                    severity: severity__.unwrap_or_default(),
                    attack: attack__.unwrap_or_default(),
                    first_seen: first_seen__,
                    last_seen: last_seen__,
                    count: count__.unwrap_or_default(),
                    nearest: nearest__.unwrap_or_default(),
                    new_in_version: new_in_version__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.ReplayProfileResponse.Reported", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for TestSinkRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.TestSinkRequest", len)?;
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for TestSinkRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = TestSinkRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.TestSinkRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<TestSinkRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(TestSinkRequest {
                    name: name__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.TestSinkRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for TestSinkResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.TestSinkResponse", len)?;
        if true {
            struct_ser.serialize_field("delivered", &self.delivered)?;
        }
        if true {
            struct_ser.serialize_field("answer", &self.answer)?;
        }
        if true {
            struct_ser.serialize_field("remedy", &self.remedy)?;
        }
        if true {
            struct_ser.serialize_field("target", &self.target)?;
        }
        if true {
            struct_ser.serialize_field("sampleId", &self.sample_id)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("milliseconds", ToString::to_string(&self.milliseconds).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for TestSinkResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "delivered",
            "answer",
            "remedy",
            "target",
            "sample_id",
            "sampleId",
            "milliseconds",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Delivered,
            Answer,
            Remedy,
            Target,
            SampleId,
            Milliseconds,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "delivered" => Ok(GeneratedField::Delivered),
                            "answer" => Ok(GeneratedField::Answer),
                            "remedy" => Ok(GeneratedField::Remedy),
                            "target" => Ok(GeneratedField::Target),
                            "sampleId" | "sample_id" => Ok(GeneratedField::SampleId),
                            "milliseconds" => Ok(GeneratedField::Milliseconds),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = TestSinkResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.TestSinkResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<TestSinkResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut delivered__ = None;
                let mut answer__ = None;
                let mut remedy__ = None;
                let mut target__ = None;
                let mut sample_id__ = None;
                let mut milliseconds__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Delivered => {
                            if delivered__.is_some() {
                                return Err(serde::de::Error::duplicate_field("delivered"));
                            }
                            delivered__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Answer => {
                            if answer__.is_some() {
                                return Err(serde::de::Error::duplicate_field("answer"));
                            }
                            answer__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Remedy => {
                            if remedy__.is_some() {
                                return Err(serde::de::Error::duplicate_field("remedy"));
                            }
                            remedy__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Target => {
                            if target__.is_some() {
                                return Err(serde::de::Error::duplicate_field("target"));
                            }
                            target__ = Some(map_.next_value()?);
                        }
                        GeneratedField::SampleId => {
                            if sample_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("sampleId"));
                            }
                            sample_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Milliseconds => {
                            if milliseconds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("milliseconds"));
                            }
                            milliseconds__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(TestSinkResponse {
                    delivered: delivered__.unwrap_or_default(),
                    answer: answer__.unwrap_or_default(),
                    remedy: remedy__.unwrap_or_default(),
                    target: target__.unwrap_or_default(),
                    sample_id: sample_id__.unwrap_or_default(),
                    milliseconds: milliseconds__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.TestSinkResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for TracedContainer {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.TracedContainer", len)?;
        if let Some(v) = self.container.as_ref() {
            struct_ser.serialize_field("container", v)?;
        }
        if let Some(v) = self.workload.as_ref() {
            struct_ser.serialize_field("workload", v)?;
        }
        if true {
            struct_ser.serialize_field("cgroupPath", &self.cgroup_path)?;
        }
        if let Some(v) = self.start_time.as_ref() {
            struct_ser.serialize_field("startTime", v)?;
        }
        if true {
            struct_ser.serialize_field("seenFromStart", &self.seen_from_start)?;
        }
        if true {
            struct_ser.serialize_field("askedMode", &self.asked_mode)?;
        }
        if true {
            struct_ser.serialize_field("askedBy", &self.asked_by)?;
        }
        if true {
            struct_ser.serialize_field("node", &self.node)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for TracedContainer {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "container",
            "workload",
            "cgroup_path",
            "cgroupPath",
            "start_time",
            "startTime",
            "seen_from_start",
            "seenFromStart",
            "asked_mode",
            "askedMode",
            "asked_by",
            "askedBy",
            "node",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Container,
            Workload,
            CgroupPath,
            StartTime,
            SeenFromStart,
            AskedMode,
            AskedBy,
            Node,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "container" => Ok(GeneratedField::Container),
                            "workload" => Ok(GeneratedField::Workload),
                            "cgroupPath" | "cgroup_path" => Ok(GeneratedField::CgroupPath),
                            "startTime" | "start_time" => Ok(GeneratedField::StartTime),
                            "seenFromStart" | "seen_from_start" => Ok(GeneratedField::SeenFromStart),
                            "askedMode" | "asked_mode" => Ok(GeneratedField::AskedMode),
                            "askedBy" | "asked_by" => Ok(GeneratedField::AskedBy),
                            "node" => Ok(GeneratedField::Node),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = TracedContainer;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.TracedContainer")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<TracedContainer, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut container__ = None;
                let mut workload__ = None;
                let mut cgroup_path__ = None;
                let mut start_time__ = None;
                let mut seen_from_start__ = None;
                let mut asked_mode__ = None;
                let mut asked_by__ = None;
                let mut node__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Container => {
                            if container__.is_some() {
                                return Err(serde::de::Error::duplicate_field("container"));
                            }
                            container__ = map_.next_value()?;
                        }
                        GeneratedField::Workload => {
                            if workload__.is_some() {
                                return Err(serde::de::Error::duplicate_field("workload"));
                            }
                            workload__ = map_.next_value()?;
                        }
                        GeneratedField::CgroupPath => {
                            if cgroup_path__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cgroupPath"));
                            }
                            cgroup_path__ = Some(map_.next_value()?);
                        }
                        GeneratedField::StartTime => {
                            if start_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("startTime"));
                            }
                            start_time__ = map_.next_value()?;
                        }
                        GeneratedField::SeenFromStart => {
                            if seen_from_start__.is_some() {
                                return Err(serde::de::Error::duplicate_field("seenFromStart"));
                            }
                            seen_from_start__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AskedMode => {
                            if asked_mode__.is_some() {
                                return Err(serde::de::Error::duplicate_field("askedMode"));
                            }
                            asked_mode__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AskedBy => {
                            if asked_by__.is_some() {
                                return Err(serde::de::Error::duplicate_field("askedBy"));
                            }
                            asked_by__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(TracedContainer {
                    container: container__,
                    workload: workload__,
                    cgroup_path: cgroup_path__.unwrap_or_default(),
                    start_time: start_time__,
                    seen_from_start: seen_from_start__.unwrap_or_default(),
                    asked_mode: asked_mode__.unwrap_or_default(),
                    asked_by: asked_by__.unwrap_or_default(),
                    node: node__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.TracedContainer", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Version {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Version", len)?;
        if true {
            struct_ser.serialize_field("repository", &self.repository)?;
        }
        if true {
            struct_ser.serialize_field("digest", &self.digest)?;
        }
        if let Some(v) = self.first_seen.as_ref() {
            struct_ser.serialize_field("firstSeen", v)?;
        }
        if true {
            struct_ser.serialize_field("known", &self.known)?;
        }
        if let Some(v) = self.grace_until.as_ref() {
            struct_ser.serialize_field("graceUntil", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Version {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "repository",
            "digest",
            "first_seen",
            "firstSeen",
            "known",
            "grace_until",
            "graceUntil",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Repository,
            Digest,
            FirstSeen,
            Known,
            GraceUntil,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "repository" => Ok(GeneratedField::Repository),
                            "digest" => Ok(GeneratedField::Digest),
                            "firstSeen" | "first_seen" => Ok(GeneratedField::FirstSeen),
                            "known" => Ok(GeneratedField::Known),
                            "graceUntil" | "grace_until" => Ok(GeneratedField::GraceUntil),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Version;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Version")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Version, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut repository__ = None;
                let mut digest__ = None;
                let mut first_seen__ = None;
                let mut known__ = None;
                let mut grace_until__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Repository => {
                            if repository__.is_some() {
                                return Err(serde::de::Error::duplicate_field("repository"));
                            }
                            repository__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Digest => {
                            if digest__.is_some() {
                                return Err(serde::de::Error::duplicate_field("digest"));
                            }
                            digest__ = Some(map_.next_value()?);
                        }
                        GeneratedField::FirstSeen => {
                            if first_seen__.is_some() {
                                return Err(serde::de::Error::duplicate_field("firstSeen"));
                            }
                            first_seen__ = map_.next_value()?;
                        }
                        GeneratedField::Known => {
                            if known__.is_some() {
                                return Err(serde::de::Error::duplicate_field("known"));
                            }
                            known__ = Some(map_.next_value()?);
                        }
                        GeneratedField::GraceUntil => {
                            if grace_until__.is_some() {
                                return Err(serde::de::Error::duplicate_field("graceUntil"));
                            }
                            grace_until__ = map_.next_value()?;
                        }
                    }
                }
                Ok(Version {
                    repository: repository__.unwrap_or_default(),
                    digest: digest__.unwrap_or_default(),
                    first_seen: first_seen__,
                    known: known__.unwrap_or_default(),
                    grace_until: grace_until__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Version", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Violation {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if self.detail.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Violation", len)?;
        if true {
            struct_ser.serialize_field("id", &self.id)?;
        }
        if true {
            struct_ser.serialize_field("fingerprint", &self.fingerprint)?;
        }
        if true {
            struct_ser.serialize_field("revision", &self.revision)?;
        }
        if let Some(v) = self.time.as_ref() {
            struct_ser.serialize_field("time", v)?;
        }
        if true {
            struct_ser.serialize_field("cluster", &self.cluster)?;
        }
        if true {
            struct_ser.serialize_field("node", &self.node)?;
        }
        if let Some(v) = self.first_seen.as_ref() {
            struct_ser.serialize_field("firstSeen", v)?;
        }
        if let Some(v) = self.last_seen.as_ref() {
            struct_ser.serialize_field("lastSeen", v)?;
        }
        if true {
            struct_ser.serialize_field("pending", &self.pending)?;
        }
        if true {
            struct_ser.serialize_field("provisional", &self.provisional)?;
        }
        if true {
            struct_ser.serialize_field("newInVersion", &self.new_in_version)?;
        }
        if true {
            struct_ser.serialize_field("rule", &self.rule)?;
        }
        if true {
            let v = violation::Severity::try_from(self.severity)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.severity)))?;
            struct_ser.serialize_field("severity", &v)?;
        }
        if true {
            let v = Mode::try_from(self.mode)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.mode)))?;
            struct_ser.serialize_field("mode", &v)?;
        }
        if true {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("count", ToString::to_string(&self.count).as_str())?;
        }
        if true {
            struct_ser.serialize_field("attack", &self.attack)?;
        }
        if let Some(v) = self.workload.as_ref() {
            struct_ser.serialize_field("workload", v)?;
        }
        if let Some(v) = self.container.as_ref() {
            struct_ser.serialize_field("container", v)?;
        }
        if let Some(v) = self.process.as_ref() {
            struct_ser.serialize_field("process", v)?;
        }
        if true {
            struct_ser.serialize_field("nearest", &self.nearest)?;
        }
        if true {
            struct_ser.serialize_field("patch", &self.patch)?;
        }
        if true {
            struct_ser.serialize_field("afterGap", &self.after_gap)?;
        }
        if let Some(v) = self.detail.as_ref() {
            match v {
                violation::Detail::Exec(v) => {
                    struct_ser.serialize_field("exec", v)?;
                }
                violation::Detail::File(v) => {
                    struct_ser.serialize_field("file", v)?;
                }
                violation::Detail::Egress(v) => {
                    struct_ser.serialize_field("egress", v)?;
                }
                violation::Detail::Gap(v) => {
                    struct_ser.serialize_field("gap", v)?;
                }
                violation::Detail::Degraded(v) => {
                    struct_ser.serialize_field("degraded", v)?;
                }
                violation::Detail::Listen(v) => {
                    struct_ser.serialize_field("listen", v)?;
                }
                violation::Detail::Dns(v) => {
                    struct_ser.serialize_field("dns", v)?;
                }
                violation::Detail::Privilege(v) => {
                    struct_ser.serialize_field("privilege", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Violation {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "id",
            "fingerprint",
            "revision",
            "time",
            "cluster",
            "node",
            "first_seen",
            "firstSeen",
            "last_seen",
            "lastSeen",
            "pending",
            "provisional",
            "new_in_version",
            "newInVersion",
            "rule",
            "severity",
            "mode",
            "count",
            "attack",
            "workload",
            "container",
            "process",
            "nearest",
            "patch",
            "after_gap",
            "afterGap",
            "exec",
            "file",
            "egress",
            "gap",
            "degraded",
            "listen",
            "dns",
            "privilege",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Id,
            Fingerprint,
            Revision,
            Time,
            Cluster,
            Node,
            FirstSeen,
            LastSeen,
            Pending,
            Provisional,
            NewInVersion,
            Rule,
            Severity,
            Mode,
            Count,
            Attack,
            Workload,
            Container,
            Process,
            Nearest,
            Patch,
            AfterGap,
            Exec,
            File,
            Egress,
            Gap,
            Degraded,
            Listen,
            Dns,
            Privilege,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "id" => Ok(GeneratedField::Id),
                            "fingerprint" => Ok(GeneratedField::Fingerprint),
                            "revision" => Ok(GeneratedField::Revision),
                            "time" => Ok(GeneratedField::Time),
                            "cluster" => Ok(GeneratedField::Cluster),
                            "node" => Ok(GeneratedField::Node),
                            "firstSeen" | "first_seen" => Ok(GeneratedField::FirstSeen),
                            "lastSeen" | "last_seen" => Ok(GeneratedField::LastSeen),
                            "pending" => Ok(GeneratedField::Pending),
                            "provisional" => Ok(GeneratedField::Provisional),
                            "newInVersion" | "new_in_version" => Ok(GeneratedField::NewInVersion),
                            "rule" => Ok(GeneratedField::Rule),
                            "severity" => Ok(GeneratedField::Severity),
                            "mode" => Ok(GeneratedField::Mode),
                            "count" => Ok(GeneratedField::Count),
                            "attack" => Ok(GeneratedField::Attack),
                            "workload" => Ok(GeneratedField::Workload),
                            "container" => Ok(GeneratedField::Container),
                            "process" => Ok(GeneratedField::Process),
                            "nearest" => Ok(GeneratedField::Nearest),
                            "patch" => Ok(GeneratedField::Patch),
                            "afterGap" | "after_gap" => Ok(GeneratedField::AfterGap),
                            "exec" => Ok(GeneratedField::Exec),
                            "file" => Ok(GeneratedField::File),
                            "egress" => Ok(GeneratedField::Egress),
                            "gap" => Ok(GeneratedField::Gap),
                            "degraded" => Ok(GeneratedField::Degraded),
                            "listen" => Ok(GeneratedField::Listen),
                            "dns" => Ok(GeneratedField::Dns),
                            "privilege" => Ok(GeneratedField::Privilege),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Violation;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Violation")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Violation, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut id__ = None;
                let mut fingerprint__ = None;
                let mut revision__ = None;
                let mut time__ = None;
                let mut cluster__ = None;
                let mut node__ = None;
                let mut first_seen__ = None;
                let mut last_seen__ = None;
                let mut pending__ = None;
                let mut provisional__ = None;
                let mut new_in_version__ = None;
                let mut rule__ = None;
                let mut severity__ = None;
                let mut mode__ = None;
                let mut count__ = None;
                let mut attack__ = None;
                let mut workload__ = None;
                let mut container__ = None;
                let mut process__ = None;
                let mut nearest__ = None;
                let mut patch__ = None;
                let mut after_gap__ = None;
                let mut detail__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Id => {
                            if id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("id"));
                            }
                            id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Fingerprint => {
                            if fingerprint__.is_some() {
                                return Err(serde::de::Error::duplicate_field("fingerprint"));
                            }
                            fingerprint__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Time => {
                            if time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("time"));
                            }
                            time__ = map_.next_value()?;
                        }
                        GeneratedField::Cluster => {
                            if cluster__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cluster"));
                            }
                            cluster__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                        GeneratedField::FirstSeen => {
                            if first_seen__.is_some() {
                                return Err(serde::de::Error::duplicate_field("firstSeen"));
                            }
                            first_seen__ = map_.next_value()?;
                        }
                        GeneratedField::LastSeen => {
                            if last_seen__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lastSeen"));
                            }
                            last_seen__ = map_.next_value()?;
                        }
                        GeneratedField::Pending => {
                            if pending__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pending"));
                            }
                            pending__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Provisional => {
                            if provisional__.is_some() {
                                return Err(serde::de::Error::duplicate_field("provisional"));
                            }
                            provisional__ = Some(map_.next_value()?);
                        }
                        GeneratedField::NewInVersion => {
                            if new_in_version__.is_some() {
                                return Err(serde::de::Error::duplicate_field("newInVersion"));
                            }
                            new_in_version__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Rule => {
                            if rule__.is_some() {
                                return Err(serde::de::Error::duplicate_field("rule"));
                            }
                            rule__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Severity => {
                            if severity__.is_some() {
                                return Err(serde::de::Error::duplicate_field("severity"));
                            }
                            severity__ = Some(map_.next_value::<violation::Severity>()? as i32);
                        }
                        GeneratedField::Mode => {
                            if mode__.is_some() {
                                return Err(serde::de::Error::duplicate_field("mode"));
                            }
                            mode__ = Some(map_.next_value::<Mode>()? as i32);
                        }
                        GeneratedField::Count => {
                            if count__.is_some() {
                                return Err(serde::de::Error::duplicate_field("count"));
                            }
                            count__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Attack => {
                            if attack__.is_some() {
                                return Err(serde::de::Error::duplicate_field("attack"));
                            }
                            attack__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Workload => {
                            if workload__.is_some() {
                                return Err(serde::de::Error::duplicate_field("workload"));
                            }
                            workload__ = map_.next_value()?;
                        }
                        GeneratedField::Container => {
                            if container__.is_some() {
                                return Err(serde::de::Error::duplicate_field("container"));
                            }
                            container__ = map_.next_value()?;
                        }
                        GeneratedField::Process => {
                            if process__.is_some() {
                                return Err(serde::de::Error::duplicate_field("process"));
                            }
                            process__ = map_.next_value()?;
                        }
                        GeneratedField::Nearest => {
                            if nearest__.is_some() {
                                return Err(serde::de::Error::duplicate_field("nearest"));
                            }
                            nearest__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Patch => {
                            if patch__.is_some() {
                                return Err(serde::de::Error::duplicate_field("patch"));
                            }
                            patch__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AfterGap => {
                            if after_gap__.is_some() {
                                return Err(serde::de::Error::duplicate_field("afterGap"));
                            }
                            after_gap__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Exec => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("exec"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(violation::Detail::Exec)
;
                        }
                        GeneratedField::File => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("file"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(violation::Detail::File)
;
                        }
                        GeneratedField::Egress => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("egress"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(violation::Detail::Egress)
;
                        }
                        GeneratedField::Gap => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("gap"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(violation::Detail::Gap)
;
                        }
                        GeneratedField::Degraded => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("degraded"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(violation::Detail::Degraded)
;
                        }
                        GeneratedField::Listen => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("listen"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(violation::Detail::Listen)
;
                        }
                        GeneratedField::Dns => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("dns"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(violation::Detail::Dns)
;
                        }
                        GeneratedField::Privilege => {
                            if detail__.is_some() {
                                return Err(serde::de::Error::duplicate_field("privilege"));
                            }
                            detail__ = map_.next_value::<::std::option::Option<_>>()?.map(violation::Detail::Privilege)
;
                        }
                    }
                }
                Ok(Violation {
                    id: id__.unwrap_or_default(),
                    fingerprint: fingerprint__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                    time: time__,
                    cluster: cluster__.unwrap_or_default(),
                    node: node__.unwrap_or_default(),
                    first_seen: first_seen__,
                    last_seen: last_seen__,
                    pending: pending__.unwrap_or_default(),
                    provisional: provisional__.unwrap_or_default(),
                    new_in_version: new_in_version__.unwrap_or_default(),
                    rule: rule__.unwrap_or_default(),
                    severity: severity__.unwrap_or_default(),
                    mode: mode__.unwrap_or_default(),
                    count: count__.unwrap_or_default(),
                    attack: attack__.unwrap_or_default(),
                    workload: workload__,
                    container: container__,
                    process: process__,
                    nearest: nearest__.unwrap_or_default(),
                    patch: patch__.unwrap_or_default(),
                    after_gap: after_gap__.unwrap_or_default(),
                    detail: detail__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Violation", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for violation::Severity {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "SEVERITY_UNSPECIFIED",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for violation::Severity {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "SEVERITY_UNSPECIFIED",
            "LOW",
            "MEDIUM",
            "HIGH",
            "CRITICAL",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = violation::Severity;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "SEVERITY_UNSPECIFIED" => Ok(violation::Severity::Unspecified),
                    "LOW" => Ok(violation::Severity::Low),
                    "MEDIUM" => Ok(violation::Severity::Medium),
                    "HIGH" => Ok(violation::Severity::High),
                    "CRITICAL" => Ok(violation::Severity::Critical),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for WatchRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if self.since.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.WatchRequest", len)?;
        if true {
            let v = self.kinds.iter().cloned().map(|v| {
                watch_request::Kind::try_from(v)
                    .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", v)))
                }).collect::<std::result::Result<Vec<_>, _>>()?;
            struct_ser.serialize_field("kinds", &v)?;
        }
        if true {
            struct_ser.serialize_field("workload", &self.workload)?;
        }
        if true {
            let v = self.subjects.iter().cloned().map(|v| {
                watch_request::Subject::try_from(v)
                    .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", v)))
                }).collect::<std::result::Result<Vec<_>, _>>()?;
            struct_ser.serialize_field("subjects", &v)?;
        }
        if true {
            struct_ser.serialize_field("consumer", &self.consumer)?;
        }
        if true {
            struct_ser.serialize_field("rules", &self.rules)?;
        }
        if true {
            let v = violation::Severity::try_from(self.severity)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.severity)))?;
            struct_ser.serialize_field("severity", &v)?;
        }
        if true {
            struct_ser.serialize_field("namespace", &self.namespace)?;
        }
        if true {
            struct_ser.serialize_field("container", &self.container)?;
        }
        if true {
            struct_ser.serialize_field("imageDigest", &self.image_digest)?;
        }
        if let Some(v) = self.since.as_ref() {
            match v {
                watch_request::Since::Cursor(v) => {
                    struct_ser.serialize_field("cursor", v)?;
                }
                watch_request::Since::AgeMilliseconds(v) => {
                    #[allow(clippy::needless_borrow)]
                    #[allow(clippy::needless_borrows_for_generic_args)]
                    struct_ser.serialize_field("ageMilliseconds", ToString::to_string(&v).as_str())?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for WatchRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "kinds",
            "workload",
            "subjects",
            "consumer",
            "rules",
            "severity",
            "namespace",
            "container",
            "image_digest",
            "imageDigest",
            "cursor",
            "age_milliseconds",
            "ageMilliseconds",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Kinds,
            Workload,
            Subjects,
            Consumer,
            Rules,
            Severity,
            Namespace,
            Container,
            ImageDigest,
            Cursor,
            AgeMilliseconds,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "kinds" => Ok(GeneratedField::Kinds),
                            "workload" => Ok(GeneratedField::Workload),
                            "subjects" => Ok(GeneratedField::Subjects),
                            "consumer" => Ok(GeneratedField::Consumer),
                            "rules" => Ok(GeneratedField::Rules),
                            "severity" => Ok(GeneratedField::Severity),
                            "namespace" => Ok(GeneratedField::Namespace),
                            "container" => Ok(GeneratedField::Container),
                            "imageDigest" | "image_digest" => Ok(GeneratedField::ImageDigest),
                            "cursor" => Ok(GeneratedField::Cursor),
                            "ageMilliseconds" | "age_milliseconds" => Ok(GeneratedField::AgeMilliseconds),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = WatchRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.WatchRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<WatchRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut kinds__ = None;
                let mut workload__ = None;
                let mut subjects__ = None;
                let mut consumer__ = None;
                let mut rules__ = None;
                let mut severity__ = None;
                let mut namespace__ = None;
                let mut container__ = None;
                let mut image_digest__ = None;
                let mut since__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Kinds => {
                            if kinds__.is_some() {
                                return Err(serde::de::Error::duplicate_field("kinds"));
                            }
                            kinds__ = Some(map_.next_value::<Vec<watch_request::Kind>>()?.into_iter().map(|x| x as i32).collect());
                        }
                        GeneratedField::Workload => {
                            if workload__.is_some() {
                                return Err(serde::de::Error::duplicate_field("workload"));
                            }
                            workload__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Subjects => {
                            if subjects__.is_some() {
                                return Err(serde::de::Error::duplicate_field("subjects"));
                            }
                            subjects__ = Some(map_.next_value::<Vec<watch_request::Subject>>()?.into_iter().map(|x| x as i32).collect());
                        }
                        GeneratedField::Consumer => {
                            if consumer__.is_some() {
                                return Err(serde::de::Error::duplicate_field("consumer"));
                            }
                            consumer__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Rules => {
                            if rules__.is_some() {
                                return Err(serde::de::Error::duplicate_field("rules"));
                            }
                            rules__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Severity => {
                            if severity__.is_some() {
                                return Err(serde::de::Error::duplicate_field("severity"));
                            }
                            severity__ = Some(map_.next_value::<violation::Severity>()? as i32);
                        }
                        GeneratedField::Namespace => {
                            if namespace__.is_some() {
                                return Err(serde::de::Error::duplicate_field("namespace"));
                            }
                            namespace__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Container => {
                            if container__.is_some() {
                                return Err(serde::de::Error::duplicate_field("container"));
                            }
                            container__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ImageDigest => {
                            if image_digest__.is_some() {
                                return Err(serde::de::Error::duplicate_field("imageDigest"));
                            }
                            image_digest__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Cursor => {
                            if since__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cursor"));
                            }
                            since__ = map_.next_value::<::std::option::Option<_>>()?.map(watch_request::Since::Cursor);
                        }
                        GeneratedField::AgeMilliseconds => {
                            if since__.is_some() {
                                return Err(serde::de::Error::duplicate_field("ageMilliseconds"));
                            }
                            since__ = map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| watch_request::Since::AgeMilliseconds(x.0));
                        }
                    }
                }
                Ok(WatchRequest {
                    kinds: kinds__.unwrap_or_default(),
                    workload: workload__.unwrap_or_default(),
                    subjects: subjects__.unwrap_or_default(),
                    consumer: consumer__.unwrap_or_default(),
                    rules: rules__.unwrap_or_default(),
                    severity: severity__.unwrap_or_default(),
                    namespace: namespace__.unwrap_or_default(),
                    container: container__.unwrap_or_default(),
                    image_digest: image_digest__.unwrap_or_default(),
                    since: since__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.WatchRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for watch_request::Kind {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "KIND_UNSPECIFIED",
            Self::Violation => "VIOLATION",
            Self::Behaviour => "BEHAVIOUR",
            Self::Gap => "GAP",
            Self::Heartbeat => "HEARTBEAT",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for watch_request::Kind {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "KIND_UNSPECIFIED",
            "VIOLATION",
            "BEHAVIOUR",
            "GAP",
            "HEARTBEAT",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = watch_request::Kind;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "KIND_UNSPECIFIED" => Ok(watch_request::Kind::Unspecified),
                    "VIOLATION" => Ok(watch_request::Kind::Violation),
                    "BEHAVIOUR" => Ok(watch_request::Kind::Behaviour),
                    "GAP" => Ok(watch_request::Kind::Gap),
                    "HEARTBEAT" => Ok(watch_request::Kind::Heartbeat),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for watch_request::Subject {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "SUBJECT_UNSPECIFIED",
            Self::Exec => "EXEC",
            Self::File => "FILE",
            Self::Egress => "EGRESS",
            Self::Listen => "LISTEN",
            Self::Dns => "DNS",
            Self::Privilege => "PRIVILEGE",
            Self::Sensor => "SENSOR",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for watch_request::Subject {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "SUBJECT_UNSPECIFIED",
            "EXEC",
            "FILE",
            "EGRESS",
            "LISTEN",
            "DNS",
            "PRIVILEGE",
            "SENSOR",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = watch_request::Subject;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "SUBJECT_UNSPECIFIED" => Ok(watch_request::Subject::Unspecified),
                    "EXEC" => Ok(watch_request::Subject::Exec),
                    "FILE" => Ok(watch_request::Subject::File),
                    "EGRESS" => Ok(watch_request::Subject::Egress),
                    "LISTEN" => Ok(watch_request::Subject::Listen),
                    "DNS" => Ok(watch_request::Subject::Dns),
                    "PRIVILEGE" => Ok(watch_request::Subject::Privilege),
                    "SENSOR" => Ok(watch_request::Subject::Sensor),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for WatchResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if self.item.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.WatchResponse", len)?;
        if true {
            struct_ser.serialize_field("cursor", &self.cursor)?;
        }
        if let Some(v) = self.item.as_ref() {
            match v {
                watch_response::Item::Violation(v) => {
                    struct_ser.serialize_field("violation", v)?;
                }
                watch_response::Item::Behaviour(v) => {
                    struct_ser.serialize_field("behaviour", v)?;
                }
                watch_response::Item::Gap(v) => {
                    struct_ser.serialize_field("gap", v)?;
                }
                watch_response::Item::Heartbeat(v) => {
                    struct_ser.serialize_field("heartbeat", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for WatchResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "cursor",
            "violation",
            "behaviour",
            "gap",
            "heartbeat",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Cursor,
            Violation,
            Behaviour,
            Gap,
            Heartbeat,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "cursor" => Ok(GeneratedField::Cursor),
                            "violation" => Ok(GeneratedField::Violation),
                            "behaviour" => Ok(GeneratedField::Behaviour),
                            "gap" => Ok(GeneratedField::Gap),
                            "heartbeat" => Ok(GeneratedField::Heartbeat),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = WatchResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.WatchResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<WatchResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut cursor__ = None;
                let mut item__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Cursor => {
                            if cursor__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cursor"));
                            }
                            cursor__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Violation => {
                            if item__.is_some() {
                                return Err(serde::de::Error::duplicate_field("violation"));
                            }
                            item__ = map_.next_value::<::std::option::Option<_>>()?.map(watch_response::Item::Violation)
;
                        }
                        GeneratedField::Behaviour => {
                            if item__.is_some() {
                                return Err(serde::de::Error::duplicate_field("behaviour"));
                            }
                            item__ = map_.next_value::<::std::option::Option<_>>()?.map(watch_response::Item::Behaviour)
;
                        }
                        GeneratedField::Gap => {
                            if item__.is_some() {
                                return Err(serde::de::Error::duplicate_field("gap"));
                            }
                            item__ = map_.next_value::<::std::option::Option<_>>()?.map(watch_response::Item::Gap)
;
                        }
                        GeneratedField::Heartbeat => {
                            if item__.is_some() {
                                return Err(serde::de::Error::duplicate_field("heartbeat"));
                            }
                            item__ = map_.next_value::<::std::option::Option<_>>()?.map(watch_response::Item::Heartbeat)
;
                        }
                    }
                }
                Ok(WatchResponse {
                    cursor: cursor__.unwrap_or_default(),
                    item: item__,
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.WatchResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Workload {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        if true {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("lapwing.v1.Workload", len)?;
        if true {
            struct_ser.serialize_field("namespace", &self.namespace)?;
        }
        if true {
            struct_ser.serialize_field("kind", &self.kind)?;
        }
        if true {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if true {
            struct_ser.serialize_field("container", &self.container)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Workload {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "namespace",
            "kind",
            "name",
            "container",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Namespace,
            Kind,
            Name,
            Container,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "namespace" => Ok(GeneratedField::Namespace),
                            "kind" => Ok(GeneratedField::Kind),
                            "name" => Ok(GeneratedField::Name),
                            "container" => Ok(GeneratedField::Container),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Workload;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct lapwing.v1.Workload")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Workload, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut namespace__ = None;
                let mut kind__ = None;
                let mut name__ = None;
                let mut container__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Namespace => {
                            if namespace__.is_some() {
                                return Err(serde::de::Error::duplicate_field("namespace"));
                            }
                            namespace__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Kind => {
                            if kind__.is_some() {
                                return Err(serde::de::Error::duplicate_field("kind"));
                            }
                            kind__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Container => {
                            if container__.is_some() {
                                return Err(serde::de::Error::duplicate_field("container"));
                            }
                            container__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Workload {
                    namespace: namespace__.unwrap_or_default(),
                    kind: kind__.unwrap_or_default(),
                    name: name__.unwrap_or_default(),
                    container: container__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("lapwing.v1.Workload", FIELDS, GeneratedVisitor)
    }
}
