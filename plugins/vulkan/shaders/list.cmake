# Every module: its name, its source, what is defined for it.
vulkan_shader(program program.comp)
vulkan_shader(program_f64 program.comp -DHAVE_F64)
