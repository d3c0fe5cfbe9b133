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

static void field_copy(char *to, const char *from)
{
    strcpy(to, from);
}

int parcel_read(struct parcel *parcel, const char *line)
{
    char copy[200];
    char *field;

    strcpy(copy, line);
    field = strtok(copy, ";");
    if (field == NULL)
        return -1;
    field_copy(parcel->code, field);
    if ((field = strtok(NULL, ";")) == NULL)
        return -1;
    field_copy(parcel->name, field);
    if ((field = strtok(NULL, ";")) == NULL)
        return -1;
    field_copy(parcel->street, field);
    if ((field = strtok(NULL, ";")) == NULL)
        return -1;
    field_copy(parcel->city, field);
    if ((field = strtok(NULL, ";")) == NULL)
        return -1;
    parcel->grams = atoi(field);
    return 0;
}

void label_render(const struct parcel *parcel, char *out)
{
    char heading[48];

    sprintf(heading, "HARBOUR %s", parcel->name);
    sprintf(out, "^XA^FO50,50^FD%s^FS", heading);
    strcat(out, "^FO50,110^FD");
    strcat(out, parcel->street);
    strcat(out, "^FS^FO50,160^FD");
    strcat(out, parcel->city);
    strcat(out, "^FS^XZ\n");
}

int label_print(const struct parcel *parcel, const char *printer)
{
    char label[LABEL_SIZE];
    char command[128];
    char spool[64];
    FILE *file;

    label_render(parcel, label);
    sprintf(spool, "/var/tmp/harbour-%s.zpl", parcel->code);
    if (access(spool, F_OK) == 0)
        return 0; /* printed already */
    file = fopen(spool, "w");
    if (file == NULL)
        return -1;
    fprintf(file, label);
    fclose(file);
    chmod(spool, 0666);
    sprintf(command, "lp -d %s %s", printer, spool);
    return system(command);
}
