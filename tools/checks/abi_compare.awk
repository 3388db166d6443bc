# Facts of two headers (tools/checks/abi --facts OLD, then NEW): prints every difference that breaks a
# plugin built with the old one, and ends with 1; else one line of what is the same and what is new.

function bad(text) { print text; failures++ }

# Numbers of one family name alternatives or bits of one word, so none may be used twice.
function family(name, kind,   part) {
  if (kind == "int") return "status"
  split(name, part, "_")
  if (name ~ /^TN_(MIN|MAX|ABI)_/ || name ~ /_COUNT$/) return ""
  return part[2]
}

FNR == 1 { file++ }

{
  key = $1 " " $2
  value = $0
  sub(/^[^|]*\| /, "", value)
}
$1 == "struct" { size[file, $2] = $4; align[file, $2] = $6; structs[file, $2] = 1; if (file == 2) order[++new_structs] = $2; next }
$1 == "field" {
  fields[file, $2]++
  name[file, $2, $3] = $5; at[file, $2, $3] = $4; type[file, $2, $3] = value
  if (file == 1) old_structs[$2] = 1
  next
}
file == 1 { old[key] = value; next }
{ new[key] = value; if (!(key in old)) added[++additions] = key }

END {
  if (file != 2) { print "two files of facts were expected"; exit 1 }

  for (s in old_structs) {
    if (!((2, s) in structs)) { bad("struct " s " is gone"); continue }
    for (i = 0; i < fields[1, s]; ++i) {
      first = name[1, s, i]; second = name[2, s, i]; where = s "." first
      if (i >= fields[2, s]) { bad(where " is gone"); continue }
      if (first != second) bad(where " was field " i ", there is " second " now: nothing is inserted, moved or renamed")
      else if (at[1, s, i] != at[2, s, i]) bad(where " was at byte " at[1, s, i] ", is at " at[2, s, i])
      else if (type[1, s, i] != type[2, s, i]) bad(where " was " type[1, s, i] ", is " type[2, s, i])
    }
    grown = fields[2, s] > fields[1, s]
    open_ended = name[1, s, 0] == "struct_size" || s == "tn_plugin_descriptor"
    if (grown && !open_ended) bad("struct " s " has no struct_size, so it can't grow")
    if (grown && at[2, s, fields[1, s]] < size[1, s]) bad(s "." name[2, s, fields[1, s]] " lies inside the old struct")
    if (!grown && size[1, s] != size[2, s]) bad("struct " s " had " size[1, s] " bytes, has " size[2, s])
    if (align[1, s] != align[2, s]) bad("struct " s " was aligned to " align[1, s] " bytes, is to " align[2, s])
    if (grown) { appended += fields[2, s] - fields[1, s] }
    checked += fields[1, s]
  }
  for (n = 1; n <= new_structs; ++n) {
    s = order[n]
    for (i = 0; i < fields[2, s]; ++i)
      if (type[2, s, i] ~ /_Bool|enum |long double|union |unnamed|anonymous/ || at[2, s, i] ~ /:/)
        bad(s "." name[2, s, i] ": " type[2, s, i] " has no fixed layout")
    if ((1, s) in structs) continue
    if (name[2, s, 0] != "struct_size" || name[2, s, 1] != "flags") bad("struct " s " does not begin with struct_size and flags")
    appended++
  }

  for (key in old) {
    split(key, part, " ")
    checked++
    if (!(key in new)) { bad(part[2] " is gone, it was " old[key]); continue }
    if (old[key] == new[key]) continue
    split(old[key], was, " "); split(new[key], now, " ")
    may_grow = part[2] == "TN_ABI_MINOR" || part[2] ~ /^TN_[A-Z]+_COUNT$/
    if (part[1] == "const" && may_grow && was[1] == now[1] && now[2] > was[2]) continue
    bad(part[2] " was " old[key] ", is " new[key])
  }
  for (key in new) {
    if (key !~ /^const/) continue
    split(key, part, " "); split(new[key], now, " ")
    if ((group = family(part[2], now[1])) == "" || !(key in old)) continue
    user[group, now[2]] = part[2]
  }
  for (n = 1; n <= additions; ++n) {
    key = added[n]
    if (key !~ /^slot/) appended++
    if (key !~ /^const/) continue
    split(key, part, " "); split(new[key], now, " ")
    if ((group = family(part[2], now[1])) == "") continue
    if ((group, now[2]) in user) bad(part[2] " takes the number " now[2] " of " user[group, now[2]])
    user[group, now[2]] = part[2]
  }

  minor = "const TN_ABI_MINOR"
  split(old[minor], was, " "); split(new[minor], now, " ")
  if (appended > 0 && now[2] <= was[2]) bad(appended " thing(s) were appended: raise TN_ABI_MINOR from " was[2])
  if (failures > 0) exit 1
  printf "%d facts unchanged, %d appended\n", checked, appended
}
