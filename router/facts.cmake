# Facts as journals hold them, and how an engine comes of them again, whatever the journal.
add_library(facts STATIC fact_codec.c replay.c settings_codec.c)
target_link_libraries(facts PUBLIC proto queue PRIVATE project_flags crash_point)
target_include_directories(facts PUBLIC ${CMAKE_SOURCE_DIR})
