# SPDX-License-Identifier: GPL-2.0-or-later
# The table of what Linux pays, for a terminal and for a document: medians of the rounds.
#
#   awk -f linux-table.awk linux.tsv
#
# A line of linux.tsv: machine, mode (none without a unit), whose unit (none, qemu, ours), measurement, number.

BEGIN {
    FS = "\t"
    row("map-1x1", "map 1 page, ns")
    row("unmap-1x1", "unmap 1 page, ns")
    row("map-1x16", "map 16 pages, ns")
    row("unmap-1x16", "unmap 16 pages, ns")
    row("map-2x1", "map 1 page, two threads, ns")
    row("unmap-2x1", "unmap 1 page, two threads, ns")
    row("map-2x16", "map 16 pages, two threads, ns")
    row("unmap-2x16", "unmap 16 pages, two threads, ns")
    row("read-1", "read 4 KiB of the disk, ns")
    row("read-1-iops", "reads per second")
    row("read-4", "read, four at a time, ns")
    row("read-4-iops", "reads per second, four at a time")
}

{
    if ($2 != "none" && !(($1, $2) in known)) { known[$1, $2] = 1; machine[++modes] = $1; mode[modes] = $2 }
    key = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4
    number[key, ++count[key]] = $5
}

END {
    line("Unit, mode", "Linux", "no IOMMU", "QEMU's", "ours", "ours to QEMU's")
    print "|---|---|---|---|---|---|"
    for (m = 1; m <= modes; m++)
        for (r = 1; r <= rows; r++) {
            theirs = median(machine[m] SUBSEP mode[m] SUBSEP "qemu" SUBSEP name[r])
            ours = median(machine[m] SUBSEP mode[m] SUBSEP "ours" SUBSEP name[r])
            line((machine[m] == "virt" ? "SMMUv3, " : "VT-d, ") mode[m], text[r],
                median(machine[m] SUBSEP "none" SUBSEP "none" SUBSEP name[r]), theirs, ours,
                theirs > 0 && ours > 0 ? sprintf("%.2f", ours / theirs) : "-")
        }
}

function row(measurement, words) { name[++rows] = measurement; text[rows] = words }

function line(unit, what, none, theirs, ours, ratio) {
    printf "| %-17s | %-32s | %8s | %8s | %8s | %14s |\n", unit, what, none, theirs, ours, ratio
}

# "-" if there are none. The kernel counts in steps of 100 ns.
function median(key,    i, j, below) {
    for (i = 1; i <= count[key]; i++) {
        below = 0
        for (j = 1; j <= count[key]; j++) if (number[key, j] < number[key, i] || (number[key, j] == number[key, i] && j < i)) below++
        if (below == int((count[key] - 1) / 2)) return number[key, i] == 0 ? "<100" : number[key, i]
    }
    return "-"
}
