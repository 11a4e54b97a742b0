# SPDX-License-Identifier: GPL-2.0-or-later
# The table of steps from the files UNIT/SUITE/results. Variable: units, the columns in their order.

{
    n = split(FILENAME, part, "/")
    unit = part[n - 2]
    if (!($1 in row)) { row[$1] = ++rows; step[rows] = $1; if (length($1) > width) width = length($1) }
    reason = $0
    sub(/^[^ ]+ [^ ]+ */, "", reason)
    cell[$1, unit] = $2
    if ($2 == "skip") cell[$1, unit] = "skip " letter(reason)
    if ($2 == "fail") {
        ours = unit ~ /-nested$/
        cell[$1, unit] = ours ? "FAIL" : "fails"
        told[++failures] = (ours ? "FAIL " : "not counted: ") $1 " on " unit ": " reason
    }
}

END {
    count = split(units, name, " ")
    line = sprintf("%-" width "s", "")
    for (i = 1; i <= count; i++) line = line "  " sprintf("%-13s", name[i])
    print line
    for (r = 1; r <= rows; r++) {
        line = sprintf("%-" width "s", step[r])
        for (i = 1; i <= count; i++) line = line "  " sprintf("%-13s", (step[r], name[i]) in cell ? cell[step[r], name[i]] : "-")
        sub(/ +$/, "", line)
        print line
    }
    for (i = 1; i <= reasons; i++) print mark(i) ": " text[i]
    for (i = 1; i <= failures; i++) print told[i]
}

# Each reason has one letter.
function letter(reason) {
    if (!(reason in known)) { known[reason] = ++reasons; text[reasons] = reason }
    return mark(known[reason])
}

function mark(number) { return number <= 26 ? substr("abcdefghijklmnopqrstuvwxyz", number, 1) : number }
