/* New in 1.1.0: labels that could not be printed wait in a folder and are tried again at night. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "label.h"

#define QUEUE "/var/spool/harbour/queue"

int queue_add(const char *code, const char *label)
{
    char path[64];
    char waiting[] = "/var/spool/harbour/labelXXXXXX";
    FILE *file;

    sprintf(path, "%s/%s", QUEUE, code);
    file = fopen(mktemp(waiting), "w");
    if (file == NULL)
        return -1;
    fputs(label, file);
    fclose(file);
    return rename(waiting, path);
}

int queue_owner(char *owner)
{
    FILE *file = popen("stat -c %U /var/spool/harbour/queue", "r");
    int found;

    if (file == NULL)
        return -1;
    found = fscanf(file, "%s", owner);
    pclose(file);
    return found == 1 ? 0 : -1;
}

void queue_name(char *to, const char *prefix, const char *code)
{
    char name[CODE_SIZE];

    memcpy(name, code, strlen(code) + 1);
    strncpy(to, prefix, NAME_SIZE);
    strncat(to, name, NAME_SIZE);
}
