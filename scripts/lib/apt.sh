# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A private view of the Debian archive: own entries and package lists in the cache, the machine's are not changed.

CODENAME=
EXTRA_SUITE=
APT_OPTIONS=()
APT_STATE=
FOREIGN=
ONLY_SUITE=

# Sets CODENAME, and EXTRA_SUITE: the suite that has the newer packages, where the release itself does not.
know_release() {
    local id=unknown version='' name
    id=$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"')
    version=$(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')
    name=$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release | tr -d '"')
    case $id-$version in
    debian-12) CODENAME=bookworm EXTRA_SUITE=bookworm-backports ;;
    debian-13) CODENAME=trixie EXTRA_SUITE= ;;
    *) fail "this machine runs ${name:-an unknown system}, and the set-up knows only Debian 12 and Debian 13" ;;
    esac
}

# The suite of QEMU, the kernel, meson and Catch2.
new_suite() { echo "${EXTRA_SUITE:-$CODENAME}"; }

# set_apt_options [ARCHITECTURE [SUITE]]: without them the packages are those that this machine can install. With them they are
# another architecture's, or another suite's alone, in a state of its own: such packages are taken apart and never installed, so
# nothing needs to be told to dpkg.
set_apt_options() {
    FOREIGN=${1-} ONLY_SUITE=${2-}
    APT_STATE=$CACHE/apt${FOREIGN:+-$FOREIGN}${ONLY_SUITE:+-$ONLY_SUITE}
    mkdir -p "$APT_STATE/lists/partial" "$APT_STATE/sources.list.d"
    APT_OPTIONS=(-o "Dir::State::lists=$APT_STATE/lists" -o Dir::Etc::sourcelist=/dev/null
        -o "Dir::Etc::sourceparts=$APT_STATE/sources.list.d" -o Acquire::Languages=none -o APT::Sandbox::User=root
        -o APT::Update::Error-Mode=any -o Acquire::Retries=2 -o DPkg::Lock::Timeout=120)
    if [[ -z $FOREIGN$ONLY_SUITE ]]; then return; fi
    APT_OPTIONS+=(-o Dir::State::status=/dev/null -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
    if [[ -n $FOREIGN ]]; then APT_OPTIONS+=(-o "APT::Architecture=$FOREIGN" -o "APT::Architectures=$FOREIGN"); fi
}

# Every entry of the machine as deb822 stanzas.
machine_entries() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        if [[ -r $file ]]; then awk -f "$ROOT/scripts/lib/apt-one-line.awk" "$file"; fi
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        if [[ -r $file ]]; then cat "$file" && echo; fi
    done
}

write_private_entries() {
    local types=deb target=$APT_STATE/sources.list.d/debian.sources any
    if [[ -z $EXTRA_SUITE && -z $FOREIGN ]]; then types='deb deb-src'; fi
    for any in 0 1; do
        machine_entries | awk -v codename="$CODENAME" -v types="$types" -v extra="$EXTRA_SUITE" -v any="$any" \
            -v foreign="$FOREIGN" -v only="$ONLY_SUITE" \
            -f "$ROOT/scripts/lib/apt-entries.awk" >"$target"
        if [[ -s $target ]]; then return; fi
    done
    fail "found no Debian entry for $CODENAME in /etc/apt/sources.list or /etc/apt/sources.list.d; add one for your mirror"
}

# Reads the package lists, unless that was done within the hour.
update_lists() { try_update_lists || fail_update "$LOGS/apt-update.log"; }

try_update_lists() {
    local log=$LOGS/apt-update.log stamp=$APT_STATE/updated entries=$APT_STATE/sources.list.d/debian.sources before=''
    if [[ -r $entries ]]; then before=$(<"$entries"); fi
    write_private_entries
    if [[ -e $stamp && -n $(find "$stamp" -mmin -60) && $before == "$(<"$entries")" ]]; then return; fi
    step "reading the package lists${FOREIGN:+ of $FOREIGN}${ONLY_SUITE:+ of $ONLY_SUITE} (up to 10 MB)"
    : >"$log"
    run_apt "$log" apt-get "${APT_OPTIONS[@]}" update || return 1
    touch "$stamp"
}

fail_update() {
    local mirror
    mirror=$(sed -n 's/^URIs: *//p' "$APT_STATE/sources.list.d/debian.sources" | sort -u | tr '\n' ' ')
    fail_with_log "cannot read the package lists of ${EXTRA_SUITE:-$CODENAME} from ${mirror% }; is there a network, and does the mirror carry this suite?" "$1"
}

# run_apt LOG COMMAND...: the percentages that apt reports become progress, the rest goes to the log.
run_apt() {
    local log=$1 kind percent text
    shift
    "$@" -q -o APT::Status-Fd=1 2>>"$log" </dev/null | while IFS= read -r text; do
        IFS=: read -r kind _ percent _ <<<"$text"
        case $kind in
        dlstatus | pmstatus) progress "${percent%%.*} %" ;;
        *) printf '%s\n' "$text" >>"$log" ;;
        esac
    done
}

# apt_install LOG PACKAGE...: as root, through the private lists.
apt_install() {
    local log=$1
    shift
    run_apt "$log" "${SUDO[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get "${APT_OPTIONS[@]}" install -y --no-install-recommends "$@"
}

# Bytes of a list of 'URI' NAME SIZE HASH lines.
sum_of_sizes() { awk '/^\047/ { sum += $3 } END { printf "%d", sum }'; }

# Sets SUDO to what makes a command run as root; fails with the packages (MISSING, MISSING_NEW) named.
find_root_rights() {
    local by_hand=
    SUDO=()
    if ((EUID == 0)); then return; fi
    if command -v sudo >/dev/null; then
        if sudo -n true 2>/dev/null; then
            SUDO=(sudo)
            return
        fi
        if is_terminal; then
            note 'The packages are installed with sudo, which may ask for your password.'
            if sudo -v; then
                SUDO=(sudo)
                return
            fi
        fi
    fi
    if ((${#MISSING[@]} > 0)); then by_hand="apt-get install ${MISSING[*]}"; fi
    if ((${#MISSING_NEW[@]} > 0)); then by_hand+="${by_hand:+ && }apt-get install -t $EXTRA_SUITE ${MISSING_NEW[*]}"; fi
    fail "cannot install packages: run this as root or give this user sudo rights, or install them yourself with: $by_hand"
}
