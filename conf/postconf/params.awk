# Reads the headers of the tree and writes what conf/postconf/catalog.cc includes: the headers that declare parameters,
# and one line "ADD(struct, program)" for each struct that is derived from config::Group or config::Common.
FNR == 1 { space = "" }
/^namespace mta::[a-z0-9_:]+/ && space == "" { space = $2; sub(/[^a-z0-9_:].*/, "", space) }
/^struct +[A-Za-z]+( +final)? *: *(public +)?config::(Group|Common)/ {
    name = $2
    sub(/[^A-Za-z].*/, "", name)
    header = FILENAME
    program = ""
    if (!sub(/^lib\//, "", header)) {
        program = FILENAME
        sub(/\/[^\/]*$/, "", program)
        sub(/.*\//, "", program)
    }
    if (!(header in seen))
        print "#include \"" header "\""
    seen[header] = 1
    list = list " \\\n    ADD(" space "::" name ", \"" program "\")"
}
END { print "#define PARAMETER_GROUPS(ADD)" list }
