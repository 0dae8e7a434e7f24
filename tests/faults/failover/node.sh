#!/bin/sh
# The first process of a database server: `node.sh FOLDER ADDRESS`. It has a network, mounts and processes of its own,
# and all of them end with it, as when the machine's power is cut.
set -e
folder=$1
umask 022
bind() { mount --bind "$folder/$1" "$2"; }
bind postgresql /var/lib/postgresql
bind run /run/postgresql
bind patroni /etc/patroni
bind etcd /var/lib/etcd
bind redis /var/lib/redis
bind pgbackrest.conf /etc/pgbackrest.conf
mount -t tmpfs tmpfs /srv
mkdir /srv/pgbackrest
bind ../repository /srv/pgbackrest
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.1; done
ip addr add "$2/24" dev eth0
ip link set eth0 up

as() { who=$1; shift; HOME=/var/lib/postgresql setpriv --reuid="$who" --regid="$who" --init-groups "$@"; }
set -a
. "$folder/etcd.env"
. "$folder/here.env"
set +a
as etcd etcd >>"$folder/etcd.log" 2>&1 &
redis-server "$folder/redis/redis.conf" >>"$folder/redis.log" 2>&1 &
redis-sentinel "$folder/redis/sentinel.conf" >>"$folder/sentinel.log" 2>&1 &
as postgres patroni /etc/patroni/config.yml >>"$folder/patroni.log" 2>&1 &
# A wait for each that ends, whoever started it: nobody else here takes leave of the dead.
while :; do wait || :; sleep 1; done
