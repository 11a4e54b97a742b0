# SPDX-License-Identifier: GPL-2.0-or-later
# Turns one-line entries of sources.list ("deb [options] URI suite components") into deb822 stanzas.

/^[ \t]*deb(-src)?[ \t]/ && !/cdrom:/ {
    sub(/[ \t]*#.*$/, "")
    line = $0; options = ""
    if (match(line, /\[[^]]*\]/)) {
        options = substr(line, RSTART + 1, RLENGTH - 2)
        line = substr(line, 1, RSTART - 1) " " substr(line, RSTART + RLENGTH)
    }
    n = split(line, part, /[ \t]+/)
    first = part[1] == "" ? 2 : 1
    components = ""
    for (i = first + 3; i <= n; i++) components = components " " part[i]
    print "Types: " part[first]
    print "URIs: " part[first + 1]
    print "Suites: " part[first + 2]
    print "Components:" components
    n = split(options, part, /[ \t]+/)
    for (i = 1; i <= n; i++) if (part[i] ~ /=/) print_option(part[i])
    print ""
}

# arch=a,b is Architectures: a b; arch+= and arch-= are its -Add and -Remove forms; the other names are the same in both formats.
function print_option(text,    at, name, value, form) {
    at = index(text, "=")
    name = substr(text, 1, at - 1); value = substr(text, at + 1); form = ""
    if (name ~ /\+$/) form = "-Add"
    if (name ~ /-$/) form = "-Remove"
    sub(/[+-]$/, "", name)
    if (name == "arch") name = "Architectures"
    if (name == "lang") name = "Languages"
    if (name == "target") name = "Targets"
    gsub(/,/, " ", value)
    print name form ": " value
}
