mod kill_lock;
