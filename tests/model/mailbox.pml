/* The protocol of router/mailbox.c and router/post.c, small enough to be checked in every order.
 *
 * Two reactors. Each has clients whose commands go to the other one, and answers each command of
 * the other with ANSWERS deliveries. Between them stand four rings of PLACES places: deliveries and
 * commands, each way. What is checked:
 *
 *   - no lost wake-up, no deadlock of two full rings: when nothing can happen any more, everything
 *     has been done that was to be done, in both directions (`left`, judged at the end);
 *   - order: commands and deliveries are taken in the order in which they were made;
 *   - bounded parking: never more deliveries are parked than one turn makes;
 *   - no spinning: the clients' commands are few, so a reactor that goes round for ever goes round
 *     without work. There must be no such cycle.
 *
 * Memory is that of a processor that delays stores (total store order): what a reactor stores goes
 * into its own buffer, and from there to memory at any later time, in order. A fence waits until
 * the buffer is empty; so does an exchange. This is what makes a missing fence a lost wake-up.
 *
 * The names in brackets are the functions that a part stands for. What is `atomic` touches memory
 * once. Compiled with one of the names that check.sh lists, the model has a defect, and the checker
 * must find it. */

#ifndef PLACES
#define PLACES 1 /* of a ring */
#endif
#ifndef COMMANDS_0
#define COMMANDS_0 1 /* of the clients of one reactor */
#endif
#ifndef COMMANDS_1
#define COMMANDS_1 1 /* and of the other */
#endif
#ifndef ANSWERS
#define ANSWERS 2 /* deliveries that a command causes */
#endif
#define STORES 2 /* that a reactor's buffer holds */

#define DELIVERY 0
#define COMMAND  1

/* A ring is named by its receiver and its lane; its sender is the other reactor. */
#define RING(to, lane) (2 * (to) + (lane))
#define OTHER          (1 - me)
#define IN(lane)       RING(me, lane)
#define OUT(lane)      RING(OTHER, lane)

mtype = { PUT, TAKEN, SLEEPING, WANTS_ROOM, WORD };

/* ---- memory, and what is on its way there ---- */

byte slots[4 * PLACES];
byte tail[4], head[4]; /* how many were ever put in, and taken out */
bool wants_room[4];    /* its sender waits for room */
bool sleeping[2];
bool word;    /* what mailbox_ring_all announces: stands elsewhere, and is to be heeded */
bool bell[2]; /* the eventfd: a system call, so never delayed */

chan stores[2] = [STORES] of { mtype, byte, byte };

/* Deliveries to be heard, and the word to be heeded. */
byte left = (COMMANDS_0 + COMMANDS_1) * ANSWERS + 1;

proctype memory(byte me)
{
    mtype what;
    byte where, value;

end:
    do
    :: atomic {
        stores[me]?what, where, value;
        if
        :: what == PUT ->
            slots[where * PLACES + tail[where] % PLACES] = value;
            tail[where]++
        :: what == TAKEN -> head[where] = value
        :: what == SLEEPING -> sleeping[where] = value
        :: what == WANTS_ROOM -> wants_room[where] = value
        :: what == WORD -> word = value
        fi;
        what = 0; where = 0; value = 0
    }
    od
}

#define fence() empty(stores[me])

/* Fences that a defective variant leaves out. */
#ifdef NO_FENCE_OF_WAKER
#define fence_of_waker() skip
#else
#define fence_of_waker() fence()
#endif
#ifdef NO_FENCE_OF_SLEEPER
#define fence_of_sleeper() skip
#else
#define fence_of_sleeper() fence()
#endif
#ifdef NO_FENCE_OF_TAKER
#define fence_of_taker() skip
#else
#define fence_of_taker() fence()
#endif

/* ---- the mailbox ---- */

/* [mailbox_wake] The fence stands between what was stored before and the look at the flag. */
inline wake()
{
    atomic {
        fence_of_waker();
        if
        :: sleeping[OTHER] ->
            fence(); /* the exchange has one of its own */
            if
            :: sleeping[OTHER] -> sleeping[OTHER] = false; bell[OTHER] = true
            :: else
            fi
        :: else
        fi
    }
}

/* [mailbox_send] */
inline send(lane, value)
{
    atomic {
        if
        :: my_tail[lane] - head[OUT(lane)] < PLACES ->
            stores[me]!PUT, OUT(lane), value;
            my_tail[lane]++;
            done = true;
            blocked[lane] = false;
            to_ring = true
        :: else ->
            done = false;
            blocked[lane] = true
        fi
    }
#ifdef ANNOUNCES_TOO_EARLY
    if
    :: !done -> stores[me]!WANTS_ROOM, OUT(lane), true
    :: else
    fi
#endif
}

/* [mailbox_take, behind the taking] Whoever waits for the room is told. */
inline tell_of_room(lane)
{
#ifdef NO_BELL_FOR_ROOM
    skip
#else
    atomic {
        fence_of_taker();
        if
        :: wants_room[IN(lane)] ->
            fence(); /* the exchange */
            wants_room[IN(lane)] = false;
            waited = true
        :: else
        fi
    }
    if
    :: waited -> waited = false; wake()
    :: else
    fi
#endif
}

/* [mailbox_take] */
#define has(lane) (tail[IN(lane)] > my_head[lane])

inline take(lane)
{
    item = slots[IN(lane) * PLACES + my_head[lane] % PLACES];
    my_head[lane]++;
    stores[me]!TAKEN, IN(lane), my_head[lane]
}

/* [mailbox_fall_asleep] Whoever waits for room says so behind saying that it sleeps, and looks
 * again behind both. Said earlier, when the ring was found full, it could be taken down for room
 * that was used already, by a receiver that finds nobody asleep. */
inline announce_sleep()
{
    stores[me]!SLEEPING, me, true;
#ifndef ANNOUNCES_TOO_EARLY
    if
    :: blocked[DELIVERY] -> stores[me]!WANTS_ROOM, OUT(DELIVERY), true
    :: else
    fi;
    if
    :: blocked[COMMAND] -> stores[me]!WANTS_ROOM, OUT(COMMAND), true
    :: else
    fi
#endif
}

/* One lane of the second look. */
inline look(lane, takes)
{
#ifdef NO_SECOND_LOOK
    skip
#else
    atomic {
        fence_of_sleeper();
        if
        :: takes && has(lane) -> found = true
        :: else
        fi
    }
    atomic {
        if
        :: blocked[lane] && my_tail[lane] - head[OUT(lane)] < PLACES ->
            blocked[lane] = false;
            found = true
        :: else
        fi
    }
#endif
}

/* ---- the post ---- */

/* [post_send_mail] Who comes behind parked mail is parked, too. */
inline post(value)
{
    done = false;
#ifdef PARKED_ARE_OVERTAKEN
    send(DELIVERY, value);
#else
    if
    :: count == 0 -> send(DELIVERY, value)
    :: else
    fi;
#endif
#ifdef NO_PARKING
    do
    :: done -> break
    :: else -> head[OUT(DELIVERY)] == my_tail[DELIVERY]; send(DELIVERY, value) /* waits for room, and does nothing else */
    od;
#endif
    if
    :: done -> done = false
    :: else ->
        parked[count] = value;
        count++;
        assert(count <= ANSWERS)
    fi
}

/* [post_send_parked] */
inline unpark()
{
    do
    :: count > 0 ->
        send(DELIVERY, parked[0]);
        if
        :: done ->
            atomic {
                for (i : 1 .. ANSWERS) { parked[i - 1] = parked[i] }
                i = 0;
                count--;
                done = false
            }
        :: else -> break
        fi
    :: else -> break
    od
}

/* [reactor_takes_letters] */
#ifdef TAKES_WHILE_PARKED
#define takes_commands true
#else
#define takes_commands (count == 0)
#endif
#ifdef DELIVERIES_WAIT
#define takes_deliveries (count == 0)
#else
#define takes_deliveries true
#endif
#ifdef LOOKS_AT_WHAT_IT_DOES_NOT_TAKE
#define looks_for_commands true
#else
#define looks_for_commands takes_commands
#endif

/* ---- a reactor ---- */

proctype reactor(byte me; byte commands)
{
    byte my_tail[2], my_head[2]; /* by lane: of the rings it fills, and of those it empties */
    bool blocked[2];
    bool to_ring; /* something was put in since the bell rang last */
    byte given;   /* commands of its clients so far */
    bool parcel;  /* the last one is not sent yet: meanwhile sessions do not read */
    bool said, heeded; /* the word */
    byte made;         /* deliveries */
    byte parked[ANSWERS + 1], count;
    bool done, waited, found;
    byte item, i;

turn: /* [reactor_turn] */
    do
    :: takes_deliveries ->
        if
        :: atomic {
            has(DELIVERY) ->
            take(DELIVERY);
            assert(item == my_head[DELIVERY]); /* order */
            item = 0;
            left--
        }
            tell_of_room(DELIVERY)
        :: !has(DELIVERY) -> break
        fi
    :: else -> break
    od;
    if
    :: me == 1 && !heeded ->
        atomic {
            if
            :: word -> heeded = true; left--
            :: else
            fi
        }
    :: else
    fi;

    /* A client's command may come in any turn. */
    if
    :: !parcel && given < commands -> atomic { given++; parcel = true }
    :: true
    fi;

    /* One batch of commands a turn, and what it causes. */
    if
    :: takes_commands ->
        if
        :: atomic {
            has(COMMAND) ->
            take(COMMAND);
            assert(item == my_head[COMMAND]); /* order */
            item = 0
        }
            tell_of_room(COMMAND);
            do
            :: i < ANSWERS ->
                atomic { i++; made++ };
                post(made)
            :: else -> break
            od;
            i = 0
        :: !has(COMMAND)
        fi
    :: else
    fi;

    /* [post_flush] */
    unpark();
    if
    :: parcel ->
        send(COMMAND, given);
        if
        :: done -> atomic { parcel = false; done = false }
        :: else
        fi
    :: else
    fi;
    if
    :: to_ring -> to_ring = false; wake()
    :: else
    fi;

    /* Once, in any turn: a word for the other one. [mailbox_ring_all] */
    if
    :: me == 0 && !said -> said = true; stores[me]!WORD, 0, true; wake()
    :: me == 1 || said || given < commands
    fi;

    /* [reactor_before_sleep] */
    announce_sleep();
    look(DELIVERY, takes_deliveries);
    look(COMMAND, looks_for_commands);
#ifndef NO_LOOK_FOR_WORDS
    if
    :: me == 1 && !heeded ->
        atomic {
            fence_of_sleeper();
            if
            :: word -> found = true
            :: else
            fi
        }
    :: else
    fi;
#endif
    if
    :: found -> found = false; stores[me]!SLEEPING, me, false; goto turn
    :: else
    fi;

end: /* asleep, until somebody rings or a client sends; sessions that wait for room do not read */
    if
    :: atomic { bell[me] -> bell[me] = false }
    :: atomic { !parcel && given < commands -> given++; parcel = true }
    fi;
    stores[me]!SLEEPING, me, false; /* [mailbox_wake_up] */
    goto turn
}

/* When nothing can happen any more, nothing is left over. */
proctype judge()
{
end:
    timeout -> assert(left == 0)
}

init {
    atomic {
        run memory(0);
        run memory(1);
        run reactor(0, COMMANDS_0);
        run reactor(1, COMMANDS_1);
        run judge()
    }
}
