# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lint steps of scripts/check; each counts as one test.

CLANG=19

check_lint() {
    lint_step 'lint: layout' check_format
    lint_step 'lint: includes' "$ROOT/scripts/check-includes"
    lint_step 'lint: sizes' "$ROOT/scripts/check-sizes"
    lint_step 'lint: scripts' check_scripts
    lint_step 'lint: clang-tidy' check_tidy
}

# lint_step STAGE COMMAND...: passes if the command does; else its output is shown, shortened.
lint_step() {
    local name=$1 log
    shift
    log=$RUN_LOGS/${name//[^a-z]/-}.log
    : >"$log"
    stage "$name"
    step 'checking'
    if run_logged "$log" "$@"; then
        counted 1 0 0
        return
    fi
    note "$(findings "$log" | sed 's/^/      /')"
    note "      log: $log"
    counted 0 1 0
}

# The lines that name a place and a finding, each once (a header's come back with each file that includes it); without any,
# the log's first lines.
findings() {
    grep -E ':[0-9]+:[0-9]+: error: |^In .* line [0-9]+:$' "$1" | awk '!seen[$0]++ && ++shown <= 20' | grep . || head -n 20 "$1"
}

# sources KIND...: our files of these endings, whether or not they are in git yet.
sources() {
    local ending
    for ending; do
        (cd "$ROOT" && find include hw tests -name "*.$ending" ! -path '*/golden/*')
    done | sort
}

# The C shims follow QEMU's layout in part, but it is clang-format that says so, in .clang-format files.
check_format() { (cd "$ROOT" && sources h cc c | xargs -r "clang-format-$CLANG" --dry-run -Werror); }

check_scripts() {
    (cd "$ROOT" && grep -rlE '^#!.*(bash|busybox sh)$|^# shellcheck shell=' scripts tests/guest .ci | xargs shellcheck -x -s bash -e SC2034,SC1091)
}

# clang-tidy takes seconds a file: a file whose contents, headers, flags and rules were found good is not looked at again.
check_tidy() {
    local file key pending=() good=$CACHE/tidy status=0
    mkdir -p "$good"
    find "$good" -type f -mtime +30 -delete
    ninja -C "$BUILD" -t deps >"$RUN_LOGS/deps.txt" 2>/dev/null || true
    while read -r file; do
        key=$(tidy_key "$file")
        if [[ ! -e $good/$key ]]; then pending+=("$good/$key" "$file"); fi
    done < <(sources cc | grep '^hw/')
    if ((${#pending[@]} == 0)); then return; fi
    printf '%s\0' "${pending[@]}" |
        (cd "$ROOT" && nice xargs -0 -n 2 -P "$(nproc)" scripts/lib/tidy-one "clang-tidy-$CLANG" "$BUILD") || true
    for ((i = 0; i < ${#pending[@]}; i += 2)); do
        if [[ ! -e ${pending[i]} ]]; then status=1; fi
    done
    return "$status"
}

# The file, everything of ours that it includes, its flags, and the rules.
tidy_key() {
    local file=$1
    {
        echo "clang-tidy-$CLANG"
        cat "$ROOT/.clang-tidy" 2>/dev/null || true
        grep -F -B 2 -- "/$file\"" "$BUILD/compile_commands.json" | grep '"command"' || true
        cat "$ROOT/$file"
        # ninja's blocks of dependencies, one a built object; ours are those outside the build folder by a relative path.
        awk -v RS='' -v file="../$file" '(" " $0 "\n") ~ ("[ \n]" file "\n")' "$RUN_LOGS/deps.txt" |
            sed -n 's/^ *\(\.\.\/\)/\1/p' | sort -u | (cd "$BUILD" && xargs -r cat)
    } | sha256sum | cut -d ' ' -f 1
}
