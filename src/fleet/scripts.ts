/**
 * Every script that the fleet runs on a host: constants of POSIX sh, fed by arguments. $1 is always the root. The
 * statuses above 64 are answers that `flip.ts` puts into words; nothing is started while descriptor 9, the lock, is open.
 */

/** Statuses of the scripts. */
export const STATUS = { noRoot: 66, busy: 75, fenced: 76, notALink: 77, moved: 78, absent: 79, write: 80 } as const;

const ENTER = `umask 022
cd -- "$1" 2>/dev/null || exit ${STATUS.noRoot}
`;

/** rename(2) over a symlink; \`ln -sfn\` would put the link inside a real directory and say that all is well. */
const SWAP = `swap() { mv -fT -- "$1" "$2" 2>/dev/null || perl -e 'rename($ARGV[0], $ARGV[1]) or die "$!\\n"' "$1" "$2"; }
`;

const PUT = `put() { printf '%s\\n' "$2" > "$1.new" && mv -f -- "$1.new" "$1" || exit ${STATUS.write}; }
`;

/**
 * The lock of a host: flock, which the kernel gives back whatever happens; else a folder with the process id and start
 * time of its owner, so that a folder left by a process that is gone can be told.
 */
const LOCK = `mkdir -p .changeline/versions versions || exit ${STATUS.write}
born() { ps -o lstart= -p "$1" 2>/dev/null || cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null; }
take() {
  if [ -n "$by_flock" ]; then flock -n 9; return; fi
  mkdir .changeline/lock.d 2>/dev/null || return 1
  trap 'rm -rf .changeline/lock.d' EXIT
  printf '%s\\n%s\\n' "$$" "$(born $$)" > .changeline/lock.d/owner
}
stale() {
  [ -z "$by_flock" ] && { read -r pid && read -r start; } 2>/dev/null < .changeline/lock.d/owner && [ "$(born "$pid")" != "$start" ]
}
if command -v flock >/dev/null 2>&1; then by_flock=yes; exec 9>.changeline/lock || exit ${STATUS.write}; else by_flock=; fi
tries=0
until take; do
  if stale; then rm -rf .changeline/lock.d; continue; fi
  tries=$((tries + 1)); [ "$tries" -lt 50 ] || exit ${STATUS.busy}
  sleep 0.2 9>&- || sleep 1 9>&-
done
`;

const FENCE = `seen=$(cat .changeline/fence 2>/dev/null || echo 0)
[ "$fence" -ge "$seen" ] || { printf 'fence %s\\n' "$seen"; exit ${STATUS.fenced}; }
`;

/** What a host is and holds; changes nothing. Lines of "word value". */
export const SURVEY = `near=$1
while [ ! -e "$near" ] && [ "$near" != / ]; do near=\${near%/*}; near=\${near:-/}; done
[ -d "$1" ] && echo 'root yes' || echo 'root no'
[ -d "$near" ] && [ -w "$near" ] && echo 'writable yes'
df -Pk "$near" 2>/dev/null | awk 'NR == 2 { print "free " $4 }'
df -Pi "$near" 2>/dev/null | awk 'NR == 2 && $4 ~ /^[0-9]+$/ { print "inodes " $4 }'
for tool in flock rsync; do command -v $tool >/dev/null 2>&1 && echo "tool $tool"; done
{ command -v sha256sum || command -v shasum; } >/dev/null 2>&1 && echo 'tool sha256'
if try=$(mktemp -d 2>/dev/null); then
  ln -s a "$try/a" && { mv -T "$try/a" "$try/b" 2>/dev/null || command -v perl >/dev/null 2>&1; } && echo 'tool rename'
  rm -rf "$try"
fi
cd -- "$1" 2>/dev/null || exit 0
for dir in versions .changeline; do [ ! -e $dir ] || [ -w $dir ] || echo "closed $dir"; done
if [ -L current ]; then printf 'link %s\\n' "$(readlink current)"; elif [ -e current ]; then echo 'current other'; fi
for dir in versions/*/; do
  name=\${dir#versions/}; name=\${name%/}
  case $name in '*' | *[!A-Za-z0-9._+-]*) continue ;; esac
  record=; [ -r ".changeline/versions/$name.json" ] && IFS= read -r record < ".changeline/versions/$name.json"
  printf 'version %s %s\\n' "$name" "$record"
done
[ -r .changeline/fence ] && printf 'fence %s\\n' "$(cat .changeline/fence)"
[ -r .changeline/journal ] && sed 's/^/journal /' .changeline/journal
[ -r .changeline/live.json ] && IFS= read -r live < .changeline/live.json && printf 'live %s\\n' "$live"
exit 0
`;

/** $1 root, $2 folder under it, $3 lines as sha256sum writes them. Says how many files there are, then name NUL target NUL of every link. */
export const VERIFY = `cd -- "$1/$2" 2>/dev/null || exit ${STATUS.absent}
if command -v sha256sum >/dev/null 2>&1; then check='sha256sum -c'; else check='shasum -a 256 -c'; fi
if [ -n "$3" ]; then
  said=$(printf '%s' "$3" | $check 2>&1) || { printf '%s\\n' "$said" | grep -v ': OK$' | head -n 3; exit 1; }
fi
find . -type f -print0 | tr -cd '\\0' | wc -c
find . -type l -exec sh -c 'for link; do printf "%s\\0%s\\0" "$link" "$(readlink "$link")"; done' sh {} +
`;

/** $2 fence, $3 incoming folder, $4 version, $5 its record. Puts a verified tree in its place; never over the live one. */
export const PUBLISH = `${ENTER}fence=$2
${SWAP}${PUT}${LOCK}${FENCE}[ -d "$3" ] || exit ${STATUS.absent}
if [ -e "versions/$4" ]; then
  [ "$(readlink current 2>/dev/null)" != "versions/$4" ] || exit ${STATUS.moved}
  old="versions/.old-$4-$$"
  swap "versions/$4" "$old" || exit ${STATUS.write}
fi
put ".changeline/versions/$4.json" "$5"
swap "$3" "versions/$4" || exit ${STATUS.write}
[ -z "\${old:-}" ] || rm -rf -- "$old"
`;

/**
 * $2 change, $3 fence, $4 what current must be, $5 what it shall be (both as the link's text; empty for no link),
 * $6 and $7 from and to for the journal, $8 its state. Checks, journals and renames under the lock.
 */
export const FLIP = `${ENTER}fence=$3
${SWAP}${PUT}${LOCK}${FENCE}if [ -L current ]; then now=$(readlink current); elif [ -e current ]; then exit ${STATUS.notALink}; else now=; fi
[ "$now" = "$4" ] || { printf 'current %s\\n' "$now"; exit ${STATUS.moved}; }
[ -z "$5" ] || [ -d "$5" ] || exit ${STATUS.absent}
put .changeline/fence "$3"
put .changeline/journal "change $2
fence $3
from $6
to $7
state $8"
sync .changeline/journal 2>/dev/null 9>&-
if [ -z "$5" ]; then rm -f current || exit ${STATUS.write}; exit 0; fi
rm -f .current.new && ln -s -- "$5" .current.new && swap .current.new current || exit ${STATUS.write}
`;

/** $2 change, $3 state. Writes the state into the journal of that change. */
export const MARK = `${ENTER}${PUT}${LOCK}[ "$(sed -n 's/^change //p' .changeline/journal 2>/dev/null)" = "$2" ] || exit ${STATUS.moved}
put .changeline/journal "$(sed "s/^state .*/state $3/" .changeline/journal)"
`;

/** $2 change, $3 what is live, as one line of JSON. A host that had nothing to do has no journal of the change. */
export const CONFIRM = `${ENTER}${PUT}${LOCK}if [ "$(sed -n 's/^change //p' .changeline/journal 2>/dev/null)" = "$2" ]; then
  put .changeline/journal "$(sed 's/^state .*/state confirmed/' .changeline/journal)"
fi
put .changeline/live.json "$3"
`;

/** $2 the name's beginning of what one change left under versions/. */
export const SWEEP = `${ENTER}rm -rf -- versions/"$2"*
`;

/** $2 … the versions to remove; the live one is refused whatever was asked. */
export const PRUNE = `${ENTER}${LOCK}shift
live=$(readlink current 2>/dev/null)
for version; do
  [ "$live" != "versions/$version" ] || continue
  rm -rf -- "versions/$version" ".changeline/versions/$version.json" 9>&- || exit ${STATUS.write}
done
`;

/**
 * $2 a name, $3 the user's own command, run in the root. Its output goes to a file: a service that it leaves in the
 * background then holds neither our connection nor a pipe that breaks. One at a time: a run that was killed may have
 * left a restart behind, and ours must be the last. The command itself does not get the lock, nor does what it leaves.
 */
export const COMMAND = `${ENTER}mkdir -p .changeline
if [ -w .changeline ] && command -v flock >/dev/null 2>&1; then exec 8>.changeline/command.lock; flock -w 60 8; fi
said=.changeline/$2.log
rm -f "$said" && : > "$said" || said=/dev/null
sh -c "$3" > "$said" 2>&1 < /dev/null 8>&-
status=$?
[ "$said" = /dev/null ] || tail -c 2000 "$said"
exit $status
`;
