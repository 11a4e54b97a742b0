# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Reads tests/guest/configurations.

CONFIGURATIONS=$(dirname "${BASH_SOURCE[0]}")/configurations

configuration_names() { sed -nE 's/^([a-z0-9-]+) *\|.*/\1/p' "$CONFIGURATIONS"; }

# configuration_field NAME COLUMN: machine, properties, act, fault or mode.
configuration_field() {
    local name machine properties act fault mode
    while IFS='|' read -r name machine properties act fault mode; do
        if [[ ${name// /} != "$1" ]]; then continue; fi
        case $2 in
        machine) echo "${machine// /}" ;;
        properties) echo "${properties// /}" ;;
        act) echo "${act// /}" ;;
        fault) echo "${fault# }" | cut -d ' ' -f 1 ;;
        mode) echo "${mode# }" ;;
        esac
        return
    done < <(grep -v '^#' "$CONFIGURATIONS")
    fail "no configuration is called '$1'; tests/guest/configurations has $(configuration_names | tr '\n' ' ')"
}

# Debian's name for the architecture of a machine's guests.
architecture_of() { case $1 in virt*) echo arm64 ;; *) echo amd64 ;; esac }

# The unit of ours that a machine has.
unit_of() { case $1 in virt*) echo smmuv3 ;; *) echo vtd ;; esac }
