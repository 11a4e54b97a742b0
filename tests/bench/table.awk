# SPDX-License-Identifier: GPL-2.0-or-later
# Prints one table from what the benchmarks write.
#
#   awk -f table.awk [-v ratios=1] QEMU.tsv... AIMS ENGINE.csv
#
# QEMU.tsv has case, subject and nanoseconds; AIMS says what it is itself; ENGINE.csv is Google Benchmark's, of which the
# medians are taken: processor time, but wall-clock time where the benchmark says so in its name. With ratios=1: only the
# ratios, for a document.

FILENAME ~ /\.tsv$/ {
    split_at_tabs = split($0, field, "\t")
    if (split_at_tabs != 3) next
    if (!(field[1] in known)) cases[++case_count] = field[1]
    known[field[1]] = 1
    spent[field[1], field[2]] = field[3]
    next
}

FILENAME ~ /aims$/ {
    if (!/^#/ && split($0, field, "\t") == 5) aims[++aim_count] = $0
    next
}

/^"BM_.*_median"/ {
    gsub(/"/, "")
    split($0, field, ",")
    name = field[1]
    time = name ~ /real_time|manual_time/ ? field[3] : field[4]
    sub(/^BM_/, "", name)
    sub(/_median$/, "", name)
    gsub(/\/(iterations:[0-9]+|manual_time|real_time)/, "", name)
    if (name ~ /Queue$/) { name = name "/descriptor"; time /= 64 }
    engine[++engine_count] = name
    engine_time[name] = time
}

function nanoseconds(value) { return value == "" ? "-" : sprintf("%.0f", value) }
function quotient(a, b) { return a == "" || b == "" || b == 0 ? "-" : sprintf("%.2f", a / b) }

function rounded(a, b,    ratio) {
    if (a == "" || b == "" || b == 0) return "-"
    ratio = a / b
    return sprintf(ratio < 10 ? "%.1f" : "%.0f", ratio)
}

# Of the process that measured the mode; one process measures all modes of VT-d.
function of_mode(name, subject, mode) {
    return (name, subject "/" mode) in spent ? spent[name, subject "/" mode] : spent[name, subject]
}

function print_modes(name, our_unit, their_unit, modes, count,    i, ours, theirs) {
    for (i = 1; i <= count; i++) {
        ours = spent[name, our_unit "/" modes[i]]
        theirs = spent[name, their_unit "/" modes[i]]
        if (ours == "") continue
        printf "%-32s %-12s %13s %11s %8s %9s %9s\n", name, modes[i], nanoseconds(ours), nanoseconds(theirs),
            quotient(ours, theirs), nanoseconds(of_mode(name, "constant", modes[i])),
            nanoseconds(of_mode(name, "no-iommu", modes[i]))
    }
}

function print_unit(our_unit, their_unit, mode_names,    modes, count, i) {
    count = split(mode_names, modes, " ")
    printf "%-32s %-12s %13s %11s %8s %9s %9s\n", "case", "mode", our_unit, their_unit, "ratio", "constant", "no IOMMU"
    for (i = 1; i <= case_count; i++) print_modes(cases[i], our_unit, their_unit, modes, count)
    print ""
}

function print_unit_ratios(our_unit, their_unit, mode_names,    modes, count, i, m, ours, theirs, constant) {
    count = split(mode_names, modes, " ")
    printf "| Case | Mode | %s to %s | to the constant callback | to no IOMMU |\n", our_unit, their_unit
    print "|---|---|---|---|---|"
    for (i = 1; i <= case_count; i++)
        for (m = 1; m <= count; m++) {
            ours = spent[cases[i], our_unit "/" modes[m]]
            theirs = spent[cases[i], their_unit "/" modes[m]]
            constant = of_mode(cases[i], "constant", modes[m])
            if (theirs == "" && constant == "") continue
            printf "| %s | %s | %s | %s | %s |\n", cases[i], modes[m], quotient(ours, theirs), rounded(ours, constant),
                rounded(ours, of_mode(cases[i], "no-iommu", modes[m]))
        }
    print ""
}

function unit_of(name) { return name == "vtd" ? "vtd-nested" : "smmuv3-nested" }
function their_unit_of(name) { return name == "vtd" ? "intel-iommu" : "arm-smmuv3" }

# "CASE/MODE" of our own, or a subject.
function compared_with(unit, mode, ratio, name,    at) {
    if (ratio == "theirs") return spent[name, their_unit_of(unit) "/" mode]
    if (ratio == "constant") return of_mode(name, "constant", mode)
    at = match(ratio, /\/[^\/]*$/)
    return spent[substr(ratio, 1, at - 1), unit_of(unit) substr(ratio, at)]
}

function words_for(ratio) {
    return ratio == "theirs" ? "QEMU\047s own unit" : ratio == "constant" ? "the constant callback" : ratio
}

function print_aims(    i, parts, ours, now, row) {
    row = ratios ? "| %s | %s | %s | %s | %s | %s%s |\n" : "%-14s %-32s %-12s to %-46s %5s %5s%s\n"
    print ratios ? "| Unit | Case | Mode | Time compared with | Aim | Now |\n|---|---|---|---|---|---|" : "What is aimed at, and what there is\n"
    for (i = 1; i <= aim_count; i++) {
        split(aims[i], parts, "\t")
        ours = spent[parts[5], unit_of(parts[1]) "/" parts[2]]
        now = quotient(ours, compared_with(parts[1], parts[2], parts[3], parts[5]))
        printf row, unit_of(parts[1]), parts[5], parts[2], words_for(parts[3]), parts[4], now,
            (now != "-" && now + 0 > parts[4] + 0) ? " missed" : ""
    }
    print ""
}

function print_engine_ratios(    i) {
    print "| The core alone | to a first-stage hit |"
    print "|---|---|"
    for (i = 1; i <= engine_count; i++)
        if (engine[i] !~ /^Threads/) printf "| %s | %s |\n", engine[i], rounded(engine_time[engine[i]], engine_time["Hit/first_stage"])
}

function print_engine(    i) {
    print "The core alone, nanoseconds; ratio: to a first-stage hit\n"
    printf "%-44s %10s %8s\n", "case", "time", "ratio"
    for (i = 1; i <= engine_count; i++)
        printf "%-44s %10.1f %8s\n", engine[i], engine_time[engine[i]], quotient(engine_time[engine[i]], engine_time["Hit/first_stage"])
    printf "\nTwo threads do %s times the hits of one; this machine gives two threads %s times the work of one.\n",
        quotient(engine_time["ThreadsHit/threads:1"], engine_time["ThreadsHit/threads:2"]),
        quotient(engine_time["ThreadsMachine/threads:1"], engine_time["ThreadsMachine/threads:2"])
}

END {
    if (ratios) {
        print_unit_ratios("vtd-nested", "intel-iommu", "legacy first-stage nested")
        print_unit_ratios("smmuv3-nested", "arm-smmuv3", "stage-1 stage-2 nested")
        print_aims()
        print_engine_ratios()
        exit
    }
    print "Inside QEMU, nanoseconds; ratio: time of ours to that of QEMU's own unit\n"
    print_unit("vtd-nested", "intel-iommu", "legacy first-stage nested")
    print_unit("smmuv3-nested", "arm-smmuv3", "stage-1 stage-2 nested")
    print_aims()
    print_engine()
}
