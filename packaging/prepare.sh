#!/bin/sh
# Prepare a checkout: Debian packages (as root, when some are missing), then .venv with everything.
# Words: the folder of the virtual environment.  Idempotent; says what it does, and errors in full.
set -eu
venv=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

quietly() { # what, command …
	echo "== $1"
	shift
	if ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		echo "failed: $*" >&2
		exit 1
	fi
}

find_python() {
	for python in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
		if [ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
			"$python" -c 'import sys; print(sys.executable)'
			return
		fi
	done
	echo "gnt needs Python 3.11 or newer; set PYTHON to it (Debian 12: apt-get install python3)" >&2
	exit 1
}

missing_packages() { # python
	wanted=$(sed 's/#.*//' packaging/apt-packages)
	# Debian's own Python comes in parts; one that was built elsewhere is complete.
	case $1 in /usr/bin/*) wanted="$wanted python3-venv python3-dev" ;; esac
	for package in $wanted; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) echo "$package" ;;
		esac
	done
}

install_packages() { # package …
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	if ! apt-get install -y -q --no-install-recommends "$@"; then
		apt-get update -q
		apt-get install -y -q --no-install-recommends "$@"
	fi
}

python=$(find_python)
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
	missing=$(missing_packages "$python" | tr '\n' ' ')
	if [ -n "$missing" ]; then
		if [ "$(id -u)" -eq 0 ]; then
			# shellcheck disable=SC2086 # a list of names
			quietly "apt-get install $missing" install_packages $missing
		else
			echo "not root, so not installed: $missing" >&2
		fi
	fi
fi
if ! "$venv/bin/python" -c '' 2>/dev/null; then
	quietly "virtual environment in $venv, of $python" "$python" -m venv --clear "$venv"
fi
pip="$venv/bin/python -m pip --disable-pip-version-check"
# The build's own needs first: without isolation the extension is built once, beside its source.
# shellcheck disable=SC2086 # a command and its words
quietly "build tools" $pip install -q "setuptools>=77" "cython>=3.1" wheel
# shellcheck disable=SC2086 # a command and its words
quietly "gnt, its extension, and the development tools" \
	$pip install -q --no-build-isolation --config-settings editable_mode=compat -e '.[dev]'
