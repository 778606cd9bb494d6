-- The relay's hint: something became ready, or there is room, because a message was taken or a run is over.

DROP TRIGGER task_moved ON task;
CREATE TRIGGER task_moved AFTER UPDATE OF status ON task
    FOR EACH ROW WHEN (NEW.status <> 'sent') EXECUTE FUNCTION notify_task();
