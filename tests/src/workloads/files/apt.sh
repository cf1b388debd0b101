# A build that installs what it needs, uses it, and removes it again.
export DEBIAN_FRONTEND=noninteractive
trap 'exit 0' TERM
while :; do
    apt-get -q update
    set -- $(shuf -n 3 -e hello tree bc dc ed less nano)
    apt-get -q -y --no-install-recommends install "$@"
    for name; do
        "$name" --version
    done < /dev/null
    apt-get -q -y purge "$@"
    apt-get clean
done
