#!/bin/sh
# Looks whether this machine has what the labs need, and says what to do. It compiles nothing and needs nothing but a shell:
#
#   sh deploy/doctor.sh [--packages] [CHECK…]
#
# Without a name it runs the checks that `all` below lists. With --packages it prints nothing but the packages that are missing.
# This file is the only list of these checks: `cargo labs` runs it before it builds anything, and the program that was built runs
# it again. Each check prints one line: a verdict of 7 characters, a name in columns 10 to 24, a text from column 26.
set -u
unset PYTHONHOME PYTHONPATH # another Python's settings

all='cores memory shared_memory rust sources linker python disk network'

# How much room the first build takes (1.4 GiB in target, the rest for crates and growth), and how much the labs need once it is done.
BUILD_MIB=2560
USE_MIB=2048

checkout=${LABS_WORKSPACE:-$(cd "$(dirname "$0")/.." && pwd)}
if [ -f "$checkout/wheel.txt" ]; then # no checkout: pip has installed it
    home=${LABS_HOME:-${XDG_CACHE_HOME:-${HOME-}/.cache}}
    program=${LABS_PROGRAM:-$checkout/../../bin/labs}
else
    home=${LABS_HOME:-$checkout/target/labs}
    program=${LABS_PROGRAM:-$checkout/target/release/labs} # what the first start builds
fi
cd "$checkout" || exit 1 # rustup looks there which toolchain is meant

problems=0
missing=''
packages_only=''
newline='
'

line() {
    [ "$packages_only" ] || printf '%-7s  %-15s %s\n' "$1" "$name" "$2"
}
ok() { line ok "$1"; }
warning() { line warning "$1"; }
problem() {
    line PROBLEM "$1"
    problems=$((problems + 1))
}

# Runs a command. Its first line is in $said; or, where it fails, the reason is in $why.
ask() {
    if ! command -v "$1" >/dev/null 2>&1; then
        why="there is no \`$1\`"
        return 1
    fi
    if said=$("$@" 2>/dev/null); then
        said=${said%%"$newline"*}
        return 0
    fi
    why="\`$1\` fails"
    errors=$("$@" 2>&1 >/dev/null)
    while read -r words; do
        case $words in *' '*)
            why="\`$1\` fails and says: $words"
            break
            ;;
        esac
    done <<END
$errors
END
    return 1
}

# Which program installs packages here: apt, dnf, pacman, zypper, or nothing that is known.
manager() {
    (
        ID='' ID_LIKE=''
        . "${LABS_OS_RELEASE:-/etc/os-release}" 2>/dev/null
        for system in $ID $ID_LIKE; do
            case $system in
            debian | ubuntu) echo apt ;;
            fedora | rhel | centos) echo dnf ;;
            arch) echo pacman ;;
            suse | opensuse*) echo zypper ;;
            *) continue ;;
            esac
            return
        done
    )
}

# The command that installs a package, in $install: its names for apt, dnf, pacman and zypper, then what it is.
package() {
    case $(manager) in
    apt) names=$1 install="Run: sudo apt install $1" ;;
    dnf) names=$2 install="Run: sudo dnf install $2" ;;
    pacman) names=$3 install="Run: sudo pacman -S $3" ;;
    zypper) names=$4 install="Run: sudo zypper install $4" ;;
    *) names='' install="Install $5 with your system's package manager" ;;
    esac
    missing="$missing $names"
}

# A number of KiB for people.
size() {
    if [ "$1" -ge 10485760 ]; then
        echo "$(($1 / 1048576)) GiB"
    elif [ "$1" -ge 1048576 ]; then
        echo "$(($1 / 1048576)).$(($1 % 1048576 * 10 / 1048576)) GiB"
    else
        echo "$(($1 / 1024)) MiB"
    fi
}

is_number() {
    case $1 in '' | *[!0-9]*) return 1 ;; esac
}

# The KiB of the file system at $1, in $total and $free.
space() {
    total='' free=''
    read -r total free <<END
$(df -Pk "$1" 2>/dev/null | { read -r _ && read -r _ total _ free _ && echo "$total $free"; })
END
    is_number "$total" && is_number "$free"
}

cores() {
    name=Cores
    cores=$(nproc 2>/dev/null || echo 1)
    # In a container its own limit counts, not the host's processors.
    if read -r quota period 2>/dev/null </sys/fs/cgroup/cpu.max && is_number "$quota"; then
        limit=$((quota / period))
        [ "$limit" -ge 1 ] || limit=1
        [ "$cores" -le "$limit" ] || cores=$limit
    fi
    if [ "$cores" = 1 ]; then
        warning '1 core: workers take turns, so races show rarely; every lab has a forced version that shows them'
    else
        ok "$cores cores may be used"
    fi
}

memory() {
    name=Memory
    left=''
    while read -r key value _; do
        [ "$key" != MemAvailable: ] || left=$value
    done </proc/meminfo
    for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
        limit=''
        { read -r limit <"$file"; } 2>/dev/null
        # A limit of 16 digits or more is none.
        if is_number "$limit" && [ "${#limit}" -lt 16 ]; then
            limit=$((limit / 1024))
            [ "${left:-$limit}" -lt "$limit" ] || left=$limit
        fi
    done
    if ! is_number "$left"; then
        warning 'how much is free cannot be seen'
    elif [ "$left" -lt 1048576 ]; then
        warning "$(size "$left") may be used; a notebook needs about 1 GiB: close other programs, or give the container more"
    elif [ "$left" -lt 3145728 ] && ! [ -x "$program" ]; then
        warning "$(size "$left") may be used; building the kernel may need 3 GiB: close other programs, or give the container more"
    else
        ok "$(size "$left") may be used; a notebook needs about 1 GiB"
    fi
}

shared_memory() {
    name='Shared memory'
    if ! [ -d /dev/shm ] || ! space /dev/shm; then
        problem 'there is no /dev/shm. In a container: docker run --shm-size=1g'
    elif ! [ -w /dev/shm ]; then
        problem '/dev/shm cannot be written to. Run: sudo chmod 1777 /dev/shm'
    elif [ "$free" -lt 16384 ]; then
        warning "/dev/shm has $(size "$total"), $(size "$free") free: remove old files there, or give the container more (docker run --shm-size=1g)"
    else
        ok "/dev/shm has $(size "$total"), $(size "$free") free"
    fi
}

# The version of Rust that the labs ask for.
channel() {
    while read -r key _ value; do
        if [ "$key" = channel ]; then
            value=${value#\"}
            echo "${value%%\"*}"
        fi
    done <rust-toolchain.toml
}

rust() {
    name=Rust
    channel=$(channel)
    if ! { ask cargo --version && ask rustc --version; }; then
        case $why in
        *'is not installed'*) problem "$why. Run: rustup toolchain install $channel" ;;
        *) problem "$why. Rust is installed from https://rustup.rs" ;;
        esac
        return
    fi
    case "$said " in
    "rustc $channel "*) ok "$said" ;;
    *) warning "$said, and the labs are made for $channel: rustup, from https://rustup.rs, brings that version" ;;
    esac
}

sources() {
    name="Rust's sources"
    if ! ask rustc --print sysroot; then
        problem "$why, so where they are is not known"
    elif [ -f "$said/lib/rustlib/src/rust/library/std/src/lib.rs" ]; then
        ok 'rust-src is installed'
    elif command -v rustup >/dev/null 2>&1; then
        problem 'rust-src is missing. `cargo labs open` adds it, and so does: rustup component add rust-src'
    else
        package rust-src rust-src rust-src rust-src "the sources of Rust's standard library"
        problem "rust-src is missing, and there is no rustup to add it. $install; or install Rust from https://rustup.rs"
    fi
}

linker() {
    name='C linker'
    if ! ask cc --version; then
        package 'gcc libc6-dev' gcc gcc gcc 'a C compiler'
        problem "$why, and rustc links with it. $install"
        return
    fi
    version=$said
    # Debian's gcc alone has not the C library's own part of every program.
    case $(cc -print-file-name=crt1.o 2>/dev/null) in
    */*) ok "$version" ;;
    *)
        package libc6-dev glibc-devel glibc glibc-devel 'the development files of the C library'
        problem "\`cc\` is there, and the C library's crt1.o, which every program is linked with, is not. $install"
        ;;
    esac
}

python() {
    name=Python
    if ! ask python3 -c "import sys; print('.'.join(map(str, sys.version_info[:3])) + ('' if sys.version_info >= (3, 10) else ' old'))"; then
        package 'python3 python3-venv' python3 python python3 'Python 3.10 or newer'
        problem "$why, and JupyterLab runs on it. $install"
        return
    fi
    version=$said
    case $version in *' old')
        problem "Python ${version% old}: JupyterLab needs 3.10 or newer. Install one, as python3"
        return
        ;;
    esac
    if ask python3 -c 'import ensurepip, venv'; then
        ok "$version, with venv"
    else
        package python3-venv python3 python python3-pip "Python's venv and ensurepip"
        problem "Python $version cannot make environments: its modules venv and ensurepip are missing. $install"
    fi
}

disk() {
    name=Disk
    folder=$home
    while ! [ -d "$folder" ] && [ "$folder" != "${folder%/*}" ]; do folder=${folder%/*}; done
    need=$USE_MIB
    [ -x "$program" ] || need=$BUILD_MIB
    need=$((need * 1024))
    if ! space "${folder:-/}"; then
        warning 'how much is free cannot be seen'
    elif [ "$free" -ge "$need" ]; then
        ok "$(size "$free") are free"
    elif [ "$need" -gt $((USE_MIB * 1024)) ]; then
        problem "$(size "$free") are free, and the first build takes $(size "$need"): make room, or put the checkout elsewhere"
    else
        warning "$(size "$free") are free; the labs need about $(size "$need"): make room or set LABS_HOME"
    fi
}

network() {
    name=Network
    if [ -x "$program" ] && [ -f "$home/venv/labs-requirements.txt" ]; then
        ok 'everything is downloaded'
        return
    fi
    # Both at once, for at most four seconds. A server that refuses was reached.
    if ! ask python3 -c '
import os, threading, urllib.error, urllib.request
def reach(url):
    try:
        urllib.request.urlopen(url, timeout=4).close()
    except urllib.error.HTTPError:
        pass
    reached.add(url)
urls = ["https://index.crates.io/config.json", "https://pypi.org/simple/pip/"]
reached = set()
threading.excepthook = lambda _: None
threads = [threading.Thread(target=reach, args=[url], daemon=True) for url in urls]
[thread.start() for thread in threads]
[thread.join(4) for thread in threads]
print(" and ".join(url.split("/")[2] for url in urls if url not in reached), flush=True)
os._exit(0)'; then
        warning 'without Python it cannot be tried'
    elif [ "$said" ]; then
        # Not a problem: cargo and pip may know of a mirror. They fail at their start where they do not.
        warning "$said cannot be reached, and the first start downloads from there. Behind a proxy, set https_proxy; a mirror that cargo and pip know will do"
    else
        ok 'crates.io and PyPI can be reached'
    fi
}

# Only the browser tests need it.
browser() {
    name=Browser
    # npm fetches axe-core, which looks at the pages.
    if ask chromium --version && version=$said && ask chromedriver --version && ask npm --version; then
        ok "$version"
    else
        package 'chromium chromium-driver npm' 'chromium chromedriver npm' 'chromium npm' 'chromium chromedriver npm' \
            'Chromium, chromedriver and npm'
        problem "$why, and the browser tests drive it. $install"
    fi
}

if [ "${1-}" = --packages ]; then
    packages_only=yes
    shift
fi
for check in ${*:-$all}; do
    case " $all browser " in
    *" $check "*) "$check" ;;
    *)
        echo "There is no check $check. There are: $all browser" >&2
        exit 2
        ;;
    esac
done
[ -z "$packages_only" ] || echo $missing
[ "$problems" = 0 ]
