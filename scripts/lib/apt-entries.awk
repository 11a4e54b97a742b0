# SPDX-License-Identifier: GPL-2.0-or-later
# Copies the machine's own Debian entries, so that its mirror, proxy options and keys are used.
#
# Reads deb822 stanzas (one-line entries are converted first by apt-one-line.awk); writes deb822 stanzas.
# Variables: codename (bookworm), types ("deb" or "deb deb-src": what the copies offer), extra (a suite to add, or empty),
# foreign (an architecture other than this machine's, to which the entries' own restrictions do not apply, or empty),
# only (a suite to write in place of all others, or empty),
# any (1: take every archive that has the suite, for a mirror whose address does not say Debian).
# Chosen: enabled entries for binary packages whose suite is the codename or its -updates or -security, from a Debian
# archive; a vendor's archive that names its suites after Debian's releases is left alone.

BEGIN { RS = ""; FS = "\n" }

{
    delete field; delete shown; count = 0; name = ""
    for (i = 1; i <= NF; i++) {
        if ($i ~ /^#/) continue
        if ($i ~ /^[ \t]/) { if (name != "") { field[name] = field[name] " " $i; shown[count] = shown[count] "\n" $i }; continue }
        colon = index($i, ":")
        if (!colon) continue
        name = tolower(substr($i, 1, colon - 1))
        field[name] = substr($i, colon + 1)
        names[++count] = name; shown[count] = $i
    }
    if (!chosen()) next
    if (only != "") {
        if (!only_done && release_itself()) { print_entry(only, "deb"); only_done = 1 }
        next
    }
    print_entry(suites_kept, types)
    if (extra != "" && !extra_done && release_itself()) {
        print_entry(extra, foreign == "" ? "deb deb-src" : "deb")
        extra_done = 1
    }
}

# The suites of the stanza that are Debian's, or nothing.
function chosen(    n, part, i) {
    if (tolower(field["enabled"]) ~ /no|false|off|0/) return 0
    if ((" " field["types"] " ") !~ /[ \t]deb[ \t]/) return 0
    if ((" " field["components"] " ") !~ /[ \t]main[ \t]/) return 0
    if (!from_debian()) return 0
    suites_kept = ""
    n = split(field["suites"], part, /[ \t]+/)
    for (i = 1; i <= n; i++)
        if (part[i] ~ ("^(" codename "|stable|oldstable)(-updates|-security)?$")) suites_kept = suites_kept (suites_kept == "" ? "" : " ") part[i]
    return suites_kept != ""
}

# Whether the stanza has the release itself and not only its updates: then its archive has the other suites too.
function release_itself() { return (" " suites_kept " ") ~ (" (" codename "|stable|oldstable) ") }

function from_debian() {
    return any || (field["uris"] " ") ~ /\/debian(-security)?\/?[ \t]/ || field["uris"] ~ /mirror\+?[a-z]*:/ ||
        field["signed-by"] ~ /debian-archive/
}

# Every field as the machine has it (options, keys, several URIs), with these suites and types, and main only.
function print_entry(suites, kinds,    i) {
    print "Types: " kinds
    print "Suites: " suites
    print "Components: main"
    for (i = 1; i <= count; i++)
        if (names[i] !~ /^(types|suites|components|enabled|targets)$/ && (foreign == "" || names[i] !~ /^architectures/)) print shown[i]
    print "Targets: Packages Sources"
    print ""
}
