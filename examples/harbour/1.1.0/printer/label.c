/*
 * The label helper of Harbour: turns one line of the intake service into a label and sends it to a printer.
 * A line is `code;name;street;city;grams`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "label.h"

#define LABEL_SIZE 256

static void field_copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

int parcel_read(struct parcel *parcel, const char *line)
{
    char copy[200];
    char *field;

    snprintf(copy, sizeof copy, "%s", line);
    field = strtok(copy, ";");
    if (field == NULL)
        return -1;
    field_copy(parcel->code, sizeof parcel->code, field);
    if ((field = strtok(NULL, ";")) == NULL)
        return -1;
    field_copy(parcel->name, sizeof parcel->name, field);
    if ((field = strtok(NULL, ";")) == NULL)
        return -1;
    field_copy(parcel->street, sizeof parcel->street, field);
    if ((field = strtok(NULL, ";")) == NULL)
        return -1;
    field_copy(parcel->city, sizeof parcel->city, field);
    if ((field = strtok(NULL, ";")) == NULL)
        return -1;
    parcel->grams = atoi(field);
    return 0;
}

void label_render(const struct parcel *parcel, char *out, size_t size)
{
    snprintf(out, size, "^XA^FO50,50^FDHARBOUR %s^FS^FO50,110^FD%s^FS^FO50,160^FD%s^FS^XZ\n", parcel->name, parcel->street, parcel->city);
}

int label_print(const struct parcel *parcel, const char *printer)
{
    char label[LABEL_SIZE];
    char command[128];
    char spool[64];
    FILE *file;

    label_render(parcel, label, sizeof label);
    sprintf(spool, "/var/tmp/harbour-%s.zpl", parcel->code);
    if (access(spool, F_OK) == 0)
        return 0; /* printed already */
    file = fopen(spool, "w");
    if (file == NULL)
        return -1;
    fputs(label, file);
    fclose(file);
    chmod(spool, 0666);
    sprintf(command, "lp -d %s %s", printer, spool);
    return system(command);
}
