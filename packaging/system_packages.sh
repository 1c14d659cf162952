#!/bin/sh
# Installs the named Debian packages that are missing, when it may; else prints the line to run and goes on:
# what needs them then falls back or skips, and says so.
# A package is there when its command is: `mosquitto`, or `softhsm2:softhsm2-util` where the two names differ; or when a
# file is: `rsyslog-openssl:/usr/lib/*/rsyslog/lmnsd_ossl.so`.
set -eu
missing=
is_there() {
    case $1 in
        /*) ls $1 >/dev/null 2>&1 ;; # a pattern
        # daemons live in /usr/sbin, which is not on every user's PATH
        *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 ;;
    esac
}
for wanted in "$@"; do
    package=${wanted%%:*} command=${wanted##*:}
    if ! is_there "$command"; then
        missing="$missing $package"
    fi
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing system packages:$missing"
    # the packages' own services are not wanted: what needs a broker starts one for itself, on loopback
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive
    export RUNLEVEL DEBIAN_FRONTEND
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
        exit 0
    fi
fi
echo "Missing system packages. Run:  sudo apt-get install -y$missing" >&2
