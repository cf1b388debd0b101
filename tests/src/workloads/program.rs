//! The programs: what each container starts, and what is done to it.

use super::load::Load;

/// A file of the image that is not Debian's: its path, and what is in it.
type File = (&'static str, &'static str);

/// A program.
pub struct Program {
    /// Its name, which is the workload's too.
    pub name: &'static str,
    /// The packages that it is of, beside what each image has.
    pub packages: &'static [&'static str],
    /// What the container starts.
    pub args: &'static [&'static str],
    /// As whom.
    pub user: u32,
    /// What is put on top of Debian's files.
    pub files: &'static [File],
    /// Its client.
    pub load: Load,
    /// Its port.
    pub port: u16,
}

/// All of them.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "nginx",
        packages: &["nginx-light"],
        args: &["/bin/sh", "/srv/start"],
        user: 0,
        files: &[
            ("srv/start", include_str!("files/nginx.sh")),
            ("etc/nginx/nginx.conf", include_str!("files/nginx.conf")),
        ],
        load: Load::Nginx,
        port: 80,
    },
    Program {
        name: "postgresql",
        packages: &["postgresql-15"],
        args: &["/bin/sh", "/srv/start"],
        user: 100,
        files: &[("srv/start", include_str!("files/postgresql.sh"))],
        load: Load::Postgresql,
        port: 5432,
    },
    Program {
        name: "redis",
        packages: &["redis-server"],
        args: &["/usr/bin/redis-server", "/etc/redis/service.conf"],
        user: 101,
        files: &[("etc/redis/service.conf", include_str!("files/redis.conf"))],
        load: Load::Redis,
        port: 6379,
    },
    Program {
        name: "apt",
        packages: &[],
        args: &["/bin/sh", "/srv/start"],
        user: 0,
        files: &[
            ("srv/start", include_str!("files/apt.sh")),
            (
                "etc/apt/sources.list",
                "deb [trusted=yes] http://127.0.0.1:8080 ./\n",
            ),
        ],
        load: Load::Repository,
        port: 8080,
    },
    Program {
        name: "python",
        packages: &["python3"],
        args: &["/usr/bin/python3", "/srv/app/service.py"],
        user: 0,
        files: &[
            ("srv/app/service.py", include_str!("files/service.py")),
            ("srv/app/plugins/__init__.py", ""),
            ("srv/app/plugins/words.py", include_str!("files/words.py")),
            ("srv/app/plugins/totals.py", include_str!("files/totals.py")),
        ],
        load: Load::Http,
        port: 8000,
    },
    Program {
        name: "node",
        packages: &["nodejs"],
        args: &["/usr/bin/node", "/srv/app/service.js"],
        user: 0,
        files: &[("srv/app/service.js", include_str!("files/service.js"))],
        load: Load::Http,
        port: 8000,
    },
];
