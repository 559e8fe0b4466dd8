# Deliberately broken engines: each must be caught by the checker that guards what it breaks.
#
# mutant(NAME CHECKER PROFILE FILE FROM TO): in queue/FILE, FROM (which must stand there exactly once) becomes
# TO. The program is the random test with that one file exchanged; the linker takes its symbols
# before the library's.
function(mutant name checker profile file from to)
    file(READ ${CMAKE_SOURCE_DIR}/queue/${file} text)
    string(FIND "${text}" "${from}" first)
    string(FIND "${text}" "${from}" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last)
        message(FATAL_ERROR "mutant ${name}: what it changes stands not exactly once in queue/${file}")
    endif()
    string(REPLACE "${from}" "${to}" text "${text}")
    set(changed ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}/${file})
    file(CONFIGURE OUTPUT ${changed} CONTENT "${text}" @ONLY)
    add_executable(mutant_${name} random_center.c ${changed})
    target_link_libraries(mutant_${name} PRIVATE watching project_flags)
    add_test(NAME mutant_${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/test_mutant.sh
        $<TARGET_FILE:mutant_${name}> ${checker} ${profile})
    set_tests_properties(mutant_${name} PROPERTIES TIMEOUT 120 LABELS simulation)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/queue/${file})
endfunction()

# Capacity is exceeded by a little.
mutant(over_capacity capacity busy skill_queue.c
    "used <= a->units && a->units - used >= units" "(used <= a->units || units == 0)")
# A channel's maximum is forgotten.
mutant(over_maximum capacity busy skill_queue.c
    "a->holds[channel] < a->max[channel] && used" "used")
# The later deadline comes first.
mutant(latest_first order busy skill_queue.c
    "return due - c->boost;" "return -due - c->boost;")
# A head start is not given.
mutant(no_boost order busy skill_queue.c
    "return due - c->boost;" "return due;")
# A contact that was declined goes straight back to whoever declined it.
mutant(no_cool_down order busy matcher.c
    "return d->until > now;" "return d->until > now && now < 0;")
# An agent that declined once is never asked again.
mutant(cools_for_ever order busy matcher.c
    "return d->until > now;" "return d->until > 0 || now > 0;")
# The next arrival is taken, and not the head of the order.
mutant(next_arrival order busy matcher.c
    "ranked_key_less(c->place.key, best->place.key)" "!ranked_key_less(c->place.key, best->place.key)")
# An ended contact's id is forgotten at once.
mutant(id_forgotten identity busy step_contact.c
    "if (t != NULL && forgotten(e, t)) {" "if (t != NULL && (forgotten(e, t) || t->number > 0)) {")
# The clock of an offer that is shown never runs out.
mutant(offer_never_ends ends busy clocks.c
    "        offer_timed_out(e, o);" "        (void)offer_timed_out;")
# What an agent works can be cancelled under it.
mutant(cancels_the_worked life busy step_contact.c
    "if (c->state == CONTACT_ACTIVE || c->state == CONTACT_WRAPPING) {"
    "if (c->state == CONTACT_WRAPPING) {")
# The place in the queue is one too good.
mutant(position_flattered order busy engine.c
    "skill_queue_ahead_of(e, c, POSITION_EXACT) + 1" "skill_queue_ahead_of(e, c, POSITION_EXACT)")
# A decision looks at what is not in the facts: a replay disagrees.
mutant(replay_differs digest storm apply_contact.c
    "    c->attempts++;" "    c->attempts += e->command == NULL ? 2 : 1;")
