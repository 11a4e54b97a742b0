# SPDX-License-Identifier: GPL-2.0-or-later
# Prints one table from what the two benchmarks write.
#
#   awk -f table.awk [-v ratios=1] QEMU.tsv ENGINE.csv
#
# QEMU.tsv has case, subject and nanoseconds; ENGINE.csv is Google Benchmark's, of which the medians are taken: processor
# time, but wall-clock time where the benchmark says so in its name. With ratios=1: only the ratios, for a document.

FILENAME ~ /\.tsv$/ {
    split_at_tabs = split($0, field, "\t")
    if (split_at_tabs != 3) next
    if (!(field[1] in known)) cases[++case_count] = field[1]
    known[field[1]] = 1
    spent[field[1], field[2]] = field[3]
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

function print_modes(name, modes, count,    i, ours, theirs) {
    for (i = 1; i <= count; i++) {
        ours = spent[name, "vtd-nested/" modes[i]]
        theirs = spent[name, "intel-iommu/" modes[i]]
        printf "%-32s %-12s %10s %11s %8s %9s %9s\n", name, modes[i], nanoseconds(ours), nanoseconds(theirs),
            quotient(theirs, ours), nanoseconds(spent[name, "constant"]), nanoseconds(spent[name, "no-iommu"])
    }
}

function print_ratios(    i, m, ours) {
    print "| Case | Mode | intel-iommu to vtd-nested | vtd-nested to the constant callback | to no IOMMU |"
    print "|---|---|---|---|---|"
    for (i = 1; i <= case_count; i++)
        for (m = 1; m <= modes_count; m++) {
            ours = spent[cases[i], "vtd-nested/" modes[m]]
            if (modes[m] == "nested" && spent[cases[i], "constant"] == "") continue
            printf "| %s | %s | %s | %s | %s |\n", cases[i], modes[m], rounded(spent[cases[i], "intel-iommu/" modes[m]], ours),
                rounded(ours, spent[cases[i], "constant"]), rounded(ours, spent[cases[i], "no-iommu"])
        }
    print "\n| The core alone | to a first-stage hit |"
    print "|---|---|"
    for (i = 1; i <= engine_count; i++)
        if (engine[i] !~ /^Threads/) printf "| %s | %s |\n", engine[i], rounded(engine_time[engine[i]], engine_time["Hit/first_stage"])
}

END {
    modes_count = split("legacy first-stage nested", modes, " ")
    if (ratios) { print_ratios(); exit }
    print "Inside QEMU, nanoseconds; ratio: how many times as long intel-iommu takes\n"
    printf "%-32s %-12s %10s %11s %8s %9s %9s\n", "case", "mode", "vtd-nested", "intel-iommu", "ratio", "constant", "no IOMMU"
    for (i = 1; i <= case_count; i++) print_modes(cases[i], modes, modes_count)

    print "\nThe core alone, nanoseconds; ratio: to a first-stage hit\n"
    printf "%-44s %10s %8s\n", "case", "time", "ratio"
    for (i = 1; i <= engine_count; i++)
        printf "%-44s %10.1f %8s\n", engine[i], engine_time[engine[i]], quotient(engine_time[engine[i]], engine_time["Hit/first_stage"])
    printf "\nTwo threads do %s times the hits of one; this machine gives two threads %s times the work of one.\n",
        quotient(engine_time["ThreadsHit/threads:1"], engine_time["ThreadsHit/threads:2"]),
        quotient(engine_time["ThreadsMachine/threads:1"], engine_time["ThreadsMachine/threads:2"])
}
