/** What an SSH vault runs on its host: constants for any POSIX sh, fed by arguments. $1 is always the vault's directory. */

/** The nearest directory to $1 that exists, in $near. */
const NEAREST = `near=$1
while [ ! -e "$near" ]; do near=\${near%/*}; [ -n "$near" ] || near=/; done
[ -d "$near" ] || { echo "$near is not a directory" >&2; exit 1; }`;

/** Prints the sha256 of its input. */
const DIGEST = `digest() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum; elif command -v shasum >/dev/null 2>&1; then shasum -a 256
  else echo 'neither sha256sum nor shasum is installed' >&2; return 1; fi
}`;

/** Before $2 is written: the directory, closed to others where it is ours; what lies unfinished there since a day goes. */
export const PREPARE = `umask 077
mkdir -p -- "$1" && cd -- "$1" || exit 1
find . -prune -user "$(id -u)" ! -perm -1000 -exec chmod go-rwx {} + || exit 1
find . ! -name . -prune -name '.unfinished-*' -mtime +0 -exec rm -f -- {} +
set -C; : > "$2"`;

/** Writes its input into $2, which is there. */
export const WRITE = `cd -- "$1" && [ -f "$2" ] && cat > "$2"`;

/** Fails unless the bytes of $2 have the sha256 $3 there too; then all of it is on the disk. */
export const VERIFY = `${DIGEST}
cd -- "$1" || exit 1
there=$(digest < "$2") || exit 1
[ "\${there%% *}" = "$3" ] || { echo "its sha256 there is \${there%% *}, not $3" >&2; exit 1; }
sync -- "$2" 2>/dev/null || sync`;

/** The status of KEEP where the name is taken. */
export const TAKEN = 66;

/** Gives $2 the name $3. A link does not replace a file; into a directory of that name it would go. */
export const KEEP = `cd -- "$1" || exit 1
if [ -e "$3" ] || [ -L "$3" ]; then exit ${TAKEN}; fi
ln -- "$2" "$3" || { [ -e "$3" ] && exit ${TAKEN}; exit 1; }
rm -f -- "$2"
sync -- . 2>/dev/null || sync`;

/** Removes the file $2. */
export const REMOVE = `[ -d "$1" ] || exit 0
cd -- "$1" && rm -f -- "$2"`;

/** The size of the file $2. */
export const SIZE = `export LC_ALL=C
cd -- "$1" && [ -f "$2" ] && ls -lnL -- "$2"`;

/** The bytes of the file $2. */
export const READ = `cd -- "$1" && exec cat -- "$2"`;

/** All files, one a line as \`ls -ln\` says them; a directory that is not there has none. */
export const LIST = `export LC_ALL=C
[ -e "$1" ] || { ls -d -- "$1" 2>&1 | grep -q 'No such file' && exit 0; }
cd -- "$1" && find . ! -name . -prune -type f -exec ls -ln {} +`;

/** Room on the disk, as \`df -Pk\` says it. */
export const ROOM = `export LC_ALL=C
${NEAREST}
df -Pk -- "$near"`;

/** The sha256 of `probe` and a line feed. */
const PROBE = '25be323556dad377abb57fe7ec8c4b99a6527f488dda28d0c9b686528659c909';

/** Tries all that a put needs: $2 and $3 are names for the probe. */
export const CHECK = `${NEAREST}
${DIGEST}
cd -- "$near" && umask 077 && set -C && echo probe > "$2" || exit 1
trap 'rm -f -- "$2" "$3"' EXIT
there=$(digest < "$2") && [ "\${there%% *}" = ${PROBE} ] && ln -- "$2" "$3"`;
