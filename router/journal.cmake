# The moments at which tests let a process die.
add_library(crash_point STATIC crash_point.c)
target_link_libraries(crash_point PRIVATE project_flags)
target_include_directories(crash_point PUBLIC ${CMAKE_SOURCE_DIR})

# The journal: the facts of workspaces, durable.
add_library(journal STATIC
    journal.c
    journal_file.c
    journal_file_blocks.c
    journal_file_crc32c.c
    journal_file_directory.c
    journal_file_format.c
    journal_file_port.c
    journal_file_reader.c
    journal_file_recovery.c
    journal_file_replay.c
    journal_file_writer.c
    journal_memory.c)
target_link_libraries(journal PUBLIC project_flags crash_point PkgConfig::UV Threads::Threads)
