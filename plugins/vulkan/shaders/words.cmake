# The words of a SPIR-V file as the inside of a C array.
file(READ "${spirv}" bytes HEX)
string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1,\n" text "${bytes}")
file(WRITE "${words}" "${text}")
