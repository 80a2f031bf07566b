#!/bin/sh
# Prints the Python to use, for the Makefile: the first on PATH of 3.11 or later that was built with optimisations
# (profile-guided), otherwise the first of 3.11 or later; a tab; and what it is. Nothing when there is none.
#
# pyenv builds without optimisations unless told otherwise. Debian and Ubuntu build with them, but do not say so where
# other builds do, in CONFIG_ARGS. A Python without `ensurepip` cannot make the virtual environment (Debian without
# python3-venv), and one without the GIL lacks wheels.
look='
import sys, sysconfig
import ensurepip, venv
version = sys.version_info
ok = sys.implementation.name == "cpython" and version >= (3, 11) and version.releaselevel == "final"
if not ok or sysconfig.get_config_var("Py_GIL_DISABLED") or sysconfig.get_config_var("Py_DEBUG"):
    sys.exit(1)
arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
optimized = "--enable-optimizations" in arguments or "--with-wheel-pkg-dir=/usr/share/python-wheels" in arguments
print("optimized" if optimized else "plain", "%d.%d.%d" % version[:3])
'
first=
for name in python3 python3.14 python3.13 python3.12 python3.11; do
  IFS=:
  for folder in $PATH; do
    unset IFS
    [ -x "$folder/$name" ] || continue
    answer=$("$folder/$name" -I -c "$look" 2>/dev/null) || continue
    case $answer in
      optimized*)
        printf '%s\t%s\n' "$folder/$name" "Python ${answer#* }, built with optimisations"
        exit 0 ;;
      *) [ -n "$first" ] || first=$(
          printf '%s\tPython %s, built without optimisations, which make it faster' "$folder/$name" "${answer#* }"
        ) ;;
    esac
  done
  unset IFS
done
[ -z "$first" ] || printf '%s\n' "$first"
