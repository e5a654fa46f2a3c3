/** What runs on the machine of a throwaway server, whichever that is: POSIX sh, constants, fed by arguments. */

/**
 * What the machine has, as lines of words parted by tabs: `user` UID, `memory` KiB, `cores` N, `room` FOLDER KiB of the
 * first folder that is there, and `server` FILE VERSION for each server program that answers.
 * $1 names of the server's program, $2 folders for its data, a line each; an empty one is the folder for temporary files.
 */
export const SURVEY = `set -u; export LC_ALL=C
names=$1
printf 'user\\t%s\\n' "$(id -u)"
printf 'cores\\t%s\\n' "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)"
while read -r key size rest; do
  case $key in MemAvailable:) printf 'memory\\t%s\\n' "$size" ;; esac
done 2>/dev/null </proc/meminfo
printf '%s\\n' "$2" | while IFS= read -r base; do
  [ -n "$base" ] || base=\${TMPDIR:-/tmp}
  [ -d "$base" ] || continue
  df -Pk "$base" | { read -r head; read -r device blocks used free rest; printf 'room\\t%s\\t%s\\n' "$base" "$free"; }
  break
done
{
  printf '%s\\n' "$PATH" | tr : '\\n'
  for folder in /usr/lib/postgresql/*/bin /usr/local/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/sbin /usr/local/sbin /usr/libexec; do
    printf '%s\\n' "$folder"
  done
} | while IFS= read -r folder; do
  for name in $names; do
    file=$folder/$name
    case $file in /*) ;; *) continue ;; esac
    [ -f "$file" ] && [ -x "$file" ] || continue
    # initdb stands beside the server in its own folder; a copy of the server on the PATH may stand alone.
    [ "$name" != postgres ] || [ -x "$folder/initdb" ] || continue
    version=$("$file" --version 2>/dev/null </dev/null) && printf 'server\\t%s\\t%s\\n' "$file" "$version"
  done
done
exit 0`;

/**
 * Runs a throwaway server for as long as its standard input is open: makes a directory of mode 0700, fills it, starts
 * the server in it as a user who is not root, and says `ready PORT`. The line `durable` restarts it with the other
 * settings, which ends in `ready PORT` again. However this script ends, it ends the server and wipes the directory; as
 * the end of its input is enough, so does the death of whoever started it, be it by SIGKILL or by a lost connection.
 * What cannot be had is said as `failed KIND WORDS`, and nothing is left.
 *
 * First line of its input: the password. $1 postgres, mariadb or mysql, $2 the server's program, $3 users to run it as
 * where this is root, $4 folders for its data, a line each (an empty one is the folder for temporary files), $5 what
 * names of all such directories begin with, $6 `-` where process ids tell who lives, else what the names of its own and
 * then of the other live ones begin with,
 * $7 the address to listen on, $8 ports to try, $9 settings for proving, $10 settings for a rehearsal.
 */
export const SUPERVISE = `set -u; export LC_ALL=C; umask 077; cd /
IFS= read -r password || exit 0
engine=$1 server=$2 users=$3 bases=$4 prefix=$5 live=$6 listen=$7 ports=$8 proving=$9; shift 9; durable=$1
own=$prefix; [ "$live" = - ] || own=\${live%% *}
dir= child= user= port= closed=
# The blank pushes the line on: whoever frames this output holds back a line feed at its end.
say() { printf '%s\\n ' "$*"; }
fail() { say "failed $*"; exit 0; }
nap() { sleep 0.05 2>/dev/null || sleep 1; }

# Words that tell one life of a process id from another: since which start of the machine, and when it began (the 22nd
# field of its stat). None for one that is dead and was not waited for.
life() {
  began=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 1,20)
  case $began in Z*) ;; *) printf '%s\\n' "$1 $(cat /proc/sys/kernel/random/boot_id 2>/dev/null) \${began#* }" ;; esac
}
left() {
  if [ "$live" = - ]; then
    owner=$(cat "$1/owner" 2>/dev/null) || owner=
    pid=\${owner%% *}
    case $pid in '' | *[!0-9]*) [ -n "$(find "$1" -prune -mtime +0 2>/dev/null)" ]; return ;; esac
    kill -0 "$pid" 2>/dev/null || return 0
    [ -d /proc/self ] && [ "$(life "$pid")" != "$owner" ]
  else
    name=\${1##*/}
    case " $live " in *" \${name%-*} "*) return 1 ;; esac
    [ -n "$(find "$1" -prune -mtime +0 2>/dev/null)" ]
  fi
}
# What the crash of a machine or a SIGKILL of this script left. A server is ended only where it says that it is of that directory.
sweep() {
  for old in "$1/$prefix"*; do
    [ -d "$old" ] && [ ! -L "$old" ] && left "$old" || continue
    pid=$(cat "$old/pid" 2>/dev/null) || pid=
    case $pid in '' | *[!0-9]*) ;; *) case $(tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || ps -o args= -p "$pid" 2>/dev/null) in
      *"$old"*) kill -9 "$pid" 2>/dev/null ;;
    esac ;; esac
    rm -rf "$old" 2>/dev/null
  done
}

as() { exec "$@"; }
who() {
  if [ "$(id -u)" != 0 ]; then
    setpriv --pdeathsig KILL true 2>/dev/null && as() { exec setpriv --pdeathsig KILL -- "$@"; }
    return 0
  fi
  for user in $users nobody ''; do [ -z "$user" ] || ! id -u "$user" >/dev/null 2>&1 || break; done
  [ -n "$user" ] || fail "user root cannot run a database server, and there is no user $users nobody"
  u=$(id -u "$user") g=$(id -g "$user")
  if setpriv --pdeathsig KILL "--reuid=$u" "--regid=$g" --clear-groups true 2>/dev/null; then
    as() { exec setpriv --pdeathsig KILL "--reuid=$u" "--regid=$g" --clear-groups -- "$@"; }
  else
    as() { exec su -s /bin/sh -c 'exec "$@"' -- "$user" sh "$@"; }
  fi
}
home() {
  while IFS= read -r base; do
    [ -n "$base" ] || base=\${TMPDIR:-/tmp}
    closed="$closed $base"
    [ -d "$base" ] || continue
    sweep "$base"
    dir=$(mktemp -d "$base/$own-XXXXXX" 2>/dev/null) || { dir=; continue; }
    # In one write: another one may look meanwhile.
    owner=$(life $$); printf '%s\\n' "$owner" >"$dir/owner"
    [ -z "$user" ] || chown "$u:$g" "$dir"
    ( as sh -c 'cd "$1" && : >log' sh "$dir" ) 2>/dev/null && return 0
    rm -rf "$dir"; dir=
  done <<BASES
$bases
BASES
  fail "folder\${user:+ $user}:$closed"
}

last() { grep -v '^ *$' "$dir/$1" 2>/dev/null | tail -n 3 | tr '\\n' ' ' | tail -c 400; }
broken() {
  ! grep -qE 'No space left on device|with error 28' "$dir/$1" 2>/dev/null || fail "disk $dir: $(last "$1")"
  fail "start $2: $(last "$1")"
}
create() {
  secret=$dir/secret
  case $engine in
    postgres)
      printf '%s\\n' "$password" >"$secret"
      set -- "\${server%/*}/initdb" -D "$dir/data" -U changeline -A scram-sha-256 "--pwfile=$secret" -E UTF8 --locale=C --no-sync ;;
    *)
      printf '%s\\n' "CREATE USER IF NOT EXISTS changeline@'%' IDENTIFIED BY '$password';" \\
        "GRANT ALL PRIVILEGES ON *.* TO changeline@'%' WITH GRANT OPTION;" "ALTER USER root@localhost IDENTIFIED BY '$password';" \\
        "DROP USER IF EXISTS root@'127.0.0.1', root@'::1', ''@localhost;" >"$secret"
      if [ "$engine" = mysql ]; then set -- "$server" --no-defaults "--datadir=$dir/data" --initialize-insecure
      else
        installer=$(command -v mariadb-install-db || command -v mysql_install_db) || fail "tool mariadb-install-db is not installed"
        set -- "$installer" --no-defaults "--datadir=$dir/data" --auth-root-authentication-method=normal --skip-test-db "--tmpdir=$dir"
      fi ;;
  esac
  [ -z "$user" ] || chown "$u:$g" "$secret"
  ( as "$@" ) </dev/null >"$dir/log" 2>&1 || broken log "$1 failed"
  [ "$engine" != postgres ] || { rm -f "$secret"; echo 'host all all all scram-sha-256' >"$dir/data/pg_hba.conf"; }
}
# $1 settings, $2 the port
begin() {
  settings=$1 port=$2
  case $engine in
    postgres)
      set -- -D "$dir/data" -p "$port" -c "listen_addresses=$listen" -c unix_socket_directories=
      for setting in $settings; do set -- "$@" -c "$setting"; done ;;
    *)
      set -- --no-defaults "--datadir=$dir/data" "--tmpdir=$dir" "--socket=../socket" "--pid-file=$dir/server.pid" \\
        "--port=$port" "--bind-address=$listen" "--init-file=$dir/secret"
      for setting in $settings; do set -- "$@" "--$setting"; done ;;
  esac
  : >"$dir/log" # here: the one that runs beside may come later than the first look, which would see the server before
  as sh -c 'cd "$1" && echo "$$" >pid && shift && exec "$@"' sh "$dir" "$server" "$@" </dev/null >"$dir/log" 2>&1 &
  child=$!
  tries=0
  while kill -0 "$child" 2>/dev/null && [ "$tries" -lt 2400 ]; do
    ready && return 0
    tries=$((tries + 1)); nap
  done
  return 1
}
ready() {
  case $engine in
    postgres) case $(sed -n 8p "$dir/data/postmaster.pid" 2>/dev/null) in ready*) return 0 ;; esac; return 1 ;;
    *) grep -q 'ready for connections' "$dir/log" ;;
  esac
}
# $1 the signal, $2 so many naps until SIGKILL
end() {
  [ -n "$child" ] || return 0
  pid=$(cat "$dir/pid" 2>/dev/null) || pid=$child
  kill "-$1" "$pid" 2>/dev/null
  tries=0
  while kill -0 "$child" 2>/dev/null && [ "$tries" -lt "$2" ]; do tries=$((tries + 1)); nap; done
  [ "$tries" -lt "$2" ] || kill -9 "$pid" "$child" 2>/dev/null
  wait "$child" 2>/dev/null
  child=
}
wipe() {
  trap '' HUP INT TERM PIPE
  [ -n "$dir" ] || return 0
  case $engine in postgres) end QUIT 100 ;; *) end KILL 100 ;; esac
  rm -rf "$dir" 2>/dev/null || { sleep 1; rm -rf "$dir"; }
}
trap wipe EXIT
trap 'exit 1' HUP INT TERM PIPE

who
home
create
for try in $ports; do
  begin "$proving" "$try" && break
  cp "$dir/log" "$dir/failed" 2>/dev/null
  end KILL 100
  grep -qi 'in use' "$dir/failed" || broken failed 'the server did not start'
  port=
done
[ -n "$port" ] || broken failed 'no port was free'
say "ready $port"
while IFS= read -r word; do
  [ "$word" = durable ] || continue
  case $engine in postgres) end INT 12000 ;; *) end TERM 12000 ;; esac
  [ "$engine" != postgres ] || ( as "\${server%/*}/initdb" -D "$dir/data" --sync-only ) >/dev/null 2>&1
  begin "$durable" "$port" || broken log 'the server did not start again'
  say "ready $port"
done`;
