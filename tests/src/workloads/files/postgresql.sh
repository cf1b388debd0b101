# A database that is made, then served, with a log that is rotated and little memory for sorting.
set -e
bin=/usr/lib/postgresql/15/bin
data=/var/lib/postgresql/15/main
mkdir -p "$data"
chmod 700 "$data"
$bin/initdb -D "$data" --auth=trust --locale=C --encoding=UTF8 > /dev/null
exec $bin/postgres -D "$data" \
    -c listen_addresses=127.0.0.1 -c logging_collector=on -c log_directory=/var/log/postgresql \
    -c log_statement=mod -c log_rotation_size=256kB -c 'log_filename=postgresql-%Y-%m-%d_%H%M%S.log' \
    -c checkpoint_timeout=30s -c max_wal_size=64MB -c min_wal_size=32MB -c work_mem=64kB \
    -c autovacuum_naptime=2s -c max_parallel_workers_per_gather=2 -c min_parallel_table_scan_size=0
