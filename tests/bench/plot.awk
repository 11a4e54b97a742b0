# Draws, as SVG, how long a unit takes beside QEMU's own: a bar for each case and mode, 1 is as long as QEMU's.
#
#   awk -f plot.awk -v ours=vtd-nested -v theirs=intel-iommu -v modes="legacy first-stage" QEMU.tsv
#
# QEMU.tsv has case, subject and nanoseconds. Bars longer than the scale end at its end and are named by their number.

BEGIN {
    FS = "\t"
    mode_count = split(modes, mode, " ")
    left = 300; width = 420; row = 22; top = 58; scale = 1.25
}

NF == 3 {
    if (!($1 in known)) cases[++case_count] = $1
    known[$1] = 1
    spent[$1, $2] = $3
}

function x_of(ratio) { return left + width * (ratio > scale ? scale : ratio) / scale }

function text(x, y, anchor, words) {
    printf "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, words
}

function grid(bottom,    step) {
    for (step = 0; step <= scale; step += 0.25) {
        printf "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\"/>\n", x_of(step), top - 6, x_of(step), bottom,
            step == 1 ? "#a33" : "#ddd"
        text(x_of(step), top - 12, "middle", sprintf("%.2f", step))
    }
}

END {
    for (i = 1; i <= case_count; i++)
        for (m = 1; m <= mode_count; m++)
            if (spent[cases[i], ours "/" mode[m]] && spent[cases[i], theirs "/" mode[m]]) rows++
    bottom = top + rows * row
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" ", left + width + 70, bottom + 16
    print "font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">"
    print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    printf "<text x=\"12\" y=\"22\" font-size=\"15\">Time of %s, as a part of that of %s in the same process</text>\n", ours, theirs
    grid(bottom)
    y = top
    for (i = 1; i <= case_count; i++)
        for (m = 1; m <= mode_count; m++) {
            if (!(spent[cases[i], ours "/" mode[m]] && spent[cases[i], theirs "/" mode[m]])) continue
            ratio = spent[cases[i], ours "/" mode[m]] / spent[cases[i], theirs "/" mode[m]]
            text(left - 10, y + 14, "end", cases[i] ", " mode[m])
            printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n", left, y + 2, x_of(ratio) - left, row - 6,
                ratio <= 1 ? "#4a7" : "#c84"
            text(x_of(ratio) + 6, y + 14, "start", sprintf("%.2f", ratio))
            y += row
        }
    print "</svg>"
}
