#!/bin/sh
# Installs the official SDK clients and the official conformance suite, pinned by their lock files, into target/clients.
#
# Afterwards target/clients/mcp-typescript and target/clients/mcp-python are the two clients, and
# target/clients/mcp-conformance is the suite. What is installed is keyed by the hash of the lock files;
# nothing happens when it is there. Progress goes to standard error, nothing to standard output.
set -eu
cd "$(dirname "$0")"
sources=$(pwd)
target=$(cd ../.. && pwd)/target/clients
exec 1>&2

fail() {
	echo "tests/clients: $*"
	exit 1
}

for tool in node npm python3 flock; do
	command -v $tool >/dev/null || fail "needs $tool: install Node.js 20 or newer with npm, Python 3.11 or newer with venv, and util-linux."
done
node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || fail "needs Node.js 20 or newer and found $(node --version)."
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "needs Python 3.11 or newer and found $(python3 --version)."
python3 -c 'import ensurepip' 2>/dev/null || fail "needs Python's venv module (the package python3-venv)."

mkdir -p "$target"
exec 9>"$target/.lock"
flock 9 # one installation at a time

# installed NAME FILE...: whether NAME was installed from exactly these files.
installed() {
	stamp=$target/$1/.installed
	shift
	hash=$(cat "$@" | sha256sum)
	[ "$(cat "$stamp" 2>/dev/null)" = "$hash" ]
}

# packages NAME WHAT: the npm packages of NAME's lock file.
packages() {
	installed "$1" "$1/package.json" "$1/package-lock.json" && return
	echo "tests/clients: installing $2"
	rm -rf "$target/$1"
	mkdir "$target/$1"
	cp "$1/package.json" "$1/package-lock.json" "$target/$1"
	(cd "$target/$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
	echo "$hash" >"$stamp"
}
packages typescript "the TypeScript SDK"
packages conformance "the conformance suite"

if ! installed python python/requirements.txt; then
	echo "tests/clients: installing the Python SDK"
	rm -rf "$target/python"
	python3 -m venv "$target/python"
	"$target/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r python/requirements.txt
	echo "$hash" >"$stamp"
fi

# Node looks for packages beside the script's real path, so the script has to be a copy.
cp typescript/client.mjs "$target/typescript/client.mjs"

# wrapper NAME COMMAND...: an executable that becomes COMMAND with its own arguments.
wrapper() {
	name=$target/$1
	shift
	printf '#!/bin/sh\nexec %s "$@"\n' "$*" >"$name.new"
	chmod +x "$name.new"
	mv "$name.new" "$name"
}
wrapper mcp-typescript node "'$target/typescript/client.mjs'"
wrapper mcp-python "'$target/python/bin/python'" "'$sources/python/client.py'"
# The suite wants a newer Node.js than most machines have; its lock file brings one for Linux.
node=$target/conformance/node_modules/.bin/node
[ -x "$node" ] || node=$(command -v node)
wrapper mcp-conformance "'$node'" "'$target/conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js'"
